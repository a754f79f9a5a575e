// The words behind `milena`: what is to be done, and with which settings.
#pragma once

#include <span>
#include <string>

#include "config/settings.h"

namespace milena {

struct CommandLine {
  enum class Command {
    kServe,
    kConfig,
    kHealth,
    kTopics,
    kApiVersions,
    kCluster,
    kRandomUuid,
    kFormat,
    kHelp,
    kVersion,
    kConfigReference,
    kApiReference
  };

  Command command = Command::kServe;
  SettingsInput settings;
  bool environment = false;  // KAFKA_* variables count, too
  bool all = false;     // config: the defaults, too
  std::string address;  // health: whom to ask instead of the broker of these settings
  std::span<const char* const> words;  // topics, api-versions: theirs
  std::string cluster_id;              // format
  bool ignore_formatted = false;       // format
  std::string help;                    // help: of one command; empty for the program's
  std::string mistake;  // what cannot be understood; empty if all is well
};

CommandLine parse_command_line(int count, const char* const* words);
std::string help_text();

}  // namespace milena
