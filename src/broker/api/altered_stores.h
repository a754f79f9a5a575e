// The key stores and trust stores that AlterConfigs sets for a listener are read before anything is altered. A store
// that cannot be used is refused.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/api/alter_configs_call.h"
#include "broker/shard_context.h"
#include "config/described_config.h"

namespace milena::broker {

// Checks the stores that a listener would have after these changes. Returns an error for the client if one cannot be
// used. Reads files: call it on a thread that may block.
std::optional<config::ConfigError> check_altered_stores(const config::Settings& before,
                                                        const config::AlteredSettings& changes, int64_t wall_ms);

// The settings of listeners' stores that a resource of the request sets. Deleted settings go back to the values that
// the broker was started with, and are not read again here.
template <class Resource>
config::AlteredSettings altered_stores_of(const Resource& resource) {
  config::AlteredSettings changes;
  if (resource.resource_type != static_cast<int8_t>(metadata::ResourceType::kBroker)) return changes;
  for (const auto& config : resource.configs) {
    if constexpr (requires { config.config_operation; }) {
      if (config.config_operation != 0) continue;
    }
    const ByteView name(config.name);
    if (!config.value || !name.starts_with("listener.name.") || name.find(".ssl.") == ByteView::npos) continue;
    changes[Bytes(name)] = Bytes(*config.value);
  }
  return changes;
}

// Runs `then(refused)` on the call's shard, with the refused resources taken out of the request. Runs it at once if no
// stores are named.
template <class CallType, class Then>
void check_stores_first(const std::shared_ptr<CallType>& call, Then then) {
  auto changes = std::make_shared<std::vector<config::AlteredSettings>>();
  bool any = false;
  for (const auto& resource : call->request.resources) {
    changes->push_back(altered_stores_of(resource));
    any |= !changes->back().empty();
  }
  if (!any)
    return then(ConfigsAnsweredHere<CallType>(*call, [](const auto&) { return std::optional<config::ConfigError>(); }));
  auto errors = std::make_shared<std::vector<std::optional<config::ConfigError>>>();
  run_or_drop(
      call->context().executor(), &Executor::run_blocking,
      [changes, errors, before = call->context().settings(), now_ms = call->context().executor().clock().wall_ms()] {
        for (const config::AlteredSettings& each : *changes) {
          errors->push_back(each.empty() ? std::nullopt : check_altered_stores(before, each, now_ms));
        }
      },
      [call, errors, then = std::move(then)] {
        const auto* first = call->request.resources.data();
        then(ConfigsAnsweredHere<CallType>(
            *call, [&](const auto& each) { return (*errors)[static_cast<size_t>(&each - first)]; }));
      });
}

}  // namespace milena::broker
