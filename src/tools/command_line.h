// The command line of `milena`: the command and its settings.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "tools/commands.h"

namespace milena::tools {

struct CommandLine {
  enum class Command {
    kServe,
    kConfig,
    kHealth,
    kTool,
    kHelp,
    kVersion,
    kConfigReference,
    kMetricReference,
    kApiReference,
    kPermissionReference
  };

  Command command = Command::kServe;
  config::SettingsInput settings;
  bool environment = false;  // KAFKA_* variables count, too
  bool dev_security = false;
  bool all = false;     // config: the defaults, too
  std::string address;  // health: the broker to ask instead of that of these settings
  std::string client_config;  // health: properties of a Java client to ask with
  std::vector<std::string> say_when_ready;  // lines for programs that wait for them
  const ToolCommand* tool = nullptr;
  ToolWords words;      // the tool's
  std::string mistake;  // the mistake; empty if there is none
};

// The first word is the program's name: with a name of Kafka's scripts it acts as that script.
CommandLine parse_command_line(int count, const char* const* words);
std::string help_text();

}  // namespace milena::tools
