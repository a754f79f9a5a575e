// Options: parses the words behind a command, with CLI11. A command declares its options and the variables for their
// values, and calls parse(). Help, error messages and shell completion come from the same list.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace milena::tools {

// The exit code for a wrong command line.
inline constexpr int kUsageMistake = 2;

class Options {
 public:
  enum class Style {
    kOwn,    // milena's commands: a mistake ends with kUsageMistake
    kKafka,  // Kafka's scripts: a mistake ends with 1, as there
  };

  // `usage` follows the program's name, and may have several lines.
  Options(Style style, std::string program, std::string summary, std::string usage);
  ~Options();

  // `names` is "-p,--partitions", or the name of a word without a dash. `value` is the value's name in help.
  void flag(const char* names, bool& to, const char* help);
  void text(const char* names, std::string& to, const char* value, const char* help);
  // nullopt if it was not given.
  void text(const char* names, std::optional<std::string>& to, const char* value, const char* help);
  // May be given several times.
  void texts(const char* names, std::vector<std::string>& to, const char* value, const char* help);
  // The value may be missing: then it is empty.
  void maybe_text(const char* names, std::optional<std::string>& to, const char* value, const char* help);
  void number(const char* names, int64_t& to, const char* value, const char* help);
  void number(const char* names, std::optional<int64_t>& to, const char* value, const char* help);
  // Words without a dash.
  void word(const char* name, std::string& to, const char* help);
  void words(const char* name, std::vector<std::string>& to, const char* help);
  // Accepted without effect, for options of Kafka that only concern its own clients.
  void ignored(const char* names, const char* value, const char* help);
  void ignored_flag(const char* names, const char* help);
  // Lines below the options in help.
  void example(const char* line);

  // The exit code if there is nothing more to do: after help, or after a mistake.
  std::optional<int> parse(std::span<const char* const> words);
  // Prints the mistake and the usage; returns the exit code.
  int mistake(const std::string& message) const;
  std::string help() const;

 private:
  struct Parts;

  std::unique_ptr<Parts> parts_;
};

// With this word a command only prints the names of its options, one per line: for shell completion.
inline constexpr char kListOptions[] = "--list-options-of-this-command";

}  // namespace milena::tools
