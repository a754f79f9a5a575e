#include "broker/api_reference.h"

#include <fmt/format.h>

#include "broker/api_registry.h"

namespace milena {
namespace {

std::string versions_of(const ApiEntry& api) {
  if (api.min_version == api.max_version) return fmt::format("{}", api.min_version);
  return fmt::format("{}-{}", api.min_version, api.max_version);
}

std::string listeners_of(const ApiEntry& api) {
  const bool on_broker = is_offered(api, false), on_controller = is_offered(api, true);
  return on_broker && on_controller ? "both" : on_broker ? "broker" : "controller";
}

}  // namespace

std::string api_reference() {
  std::string table = "| Key | Request | Versions | Listener |\n|---|---|---|---|\n";
  for (const ApiEntry& api : api_registry()) {
    table += fmt::format("| {} | {} | {} | {} |\n", static_cast<int>(api.key), api_name(api.key), versions_of(api),
                         listeners_of(api));
  }
  return table;
}

}  // namespace milena
