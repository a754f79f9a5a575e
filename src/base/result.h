// Result<T>: the outcome of something that can fail for outside reasons (a disk, a file's bytes, a parser's input).
// Expected errors to a client are ErrorCode (protocol/error_code.h); our own bugs are CHECK.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace milena {

enum class ErrorKind {
  kIo,         // the operating system failed; the log directory goes offline
  kExhausted,  // no descriptor, memory or space right now: the disk is fine, and it may work later
  kDenied,     // this path cannot be used, for its permissions or type; others may work
  kCorrupt,    // invalid bytes
  kInvalid,    // an invalid argument or setting
  kNotFound,   // something does not exist
  kExists,     // something exists already, or is held by another process
  kUnsupported,
};

struct Error {
  ErrorKind kind = ErrorKind::kIo;
  // One line for people: the name, the value, what was expected.
  std::string message;
};

template <class T = std::monostate>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: a value is a result
  Result(Error error) : value_(std::move(error)) {}  // NOLINT: an error is a result

  bool ok() const { return value_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() {
    CHECK(ok(), "{}", std::get<1>(value_).message);
    return std::get<0>(value_);
  }
  const T& value() const {
    CHECK(ok(), "{}", std::get<1>(value_).message);
    return std::get<0>(value_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T take() { return std::move(value()); }

  const Error& error() const { return std::get<1>(value_); }

 private:
  std::variant<T, Error> value_;
};

using Status = Result<std::monostate>;
inline Status ok_status() { return std::monostate{}; }

template <class... Args>
Error make_error(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  return Error{kind, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace milena

// Returns the error of a failed Status or Result expression.
#define RETURN_IF_ERROR(expression)                        \
  do {                                                     \
    if (auto&& milena_status_ = (expression); !milena_status_.ok()) return milena_status_.error(); \
  } while (false)
