// What the commands share: their options, and their way to complain.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tools/broker_client.h"

namespace milena {

inline constexpr int64_t kCommandTimeoutMs = 15'000;

// To standard error; returns the exit code.
int complain(const std::string& message);

// --option value, --option=value and --flag; an option may come several times.
class ToolWords {
 public:
  ToolWords(std::span<const char* const> words, std::initializer_list<const char*> options,
            std::initializer_list<const char*> flags);

  bool has(const std::string& name) const { return values_.contains(name); }
  // The last value; empty if there is none.
  std::string value(const std::string& name) const;
  std::vector<std::string> values(const std::string& name) const;
  // What cannot be understood; empty if all is well.
  const std::string& mistake() const { return mistake_; }
  // To --bootstrap-server, or to localhost:9092.
  Result<std::unique_ptr<BrokerClient>> connect() const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::string mistake_;
};

}  // namespace milena
