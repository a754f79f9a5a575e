// Progress: a line on standard error that says how far a command is, for what takes longer than a second while a person
// looks on. Without a terminal there it writes nothing.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/executor.h"

namespace milena::tools {

class Progress {
 public:
  enum class Unit { kRecords, kBytes };

  // `total` may be 0: not known. The line must not tear the text that the command reads or writes meanwhile, so there
  // is none where the descriptor `beside` is a terminal, too; -1: there is no such text.
  Progress(std::string what, int64_t total, Unit unit, int beside = -1, int terminal = STDERR_FILENO,
           const Clock& clock = system_clock());
  // The line goes with it.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // So much is done. Cheap: it may be called for each record.
  void at(int64_t done);
  void add(int64_t more) { at(done_ + more); }
  // More, or less, is to be done than was known.
  void expect(int64_t total) { total_ = total; }
  // Takes the line away, for what is to be printed in its place; the next at() draws it again.
  void clear();

  // The line itself, in so many columns.
  static std::string text(ByteView what, int64_t done, int64_t total, Unit unit, double seconds, size_t columns);

 private:
  void draw(int64_t now_ns);

  const std::string what_;
  const Unit unit_;
  const int terminal_;
  const bool shows_;
  const Clock& clock_;
  const int64_t begin_ns_;
  int64_t total_;
  int64_t done_ = 0;
  int64_t look_at_ = 0;  // the clock is asked when so much is done
  int64_t next_ns_;
  bool drawn_ = false;
};

}  // namespace milena::tools
