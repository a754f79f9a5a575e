// Common code of the two handlers of client telemetry.
#pragma once

#include <functional>
#include <utility>

#include "broker/clients/call.h"
#include "broker/clients/client_telemetry.h"
#include "broker/shard.h"

namespace milena::broker {

inline TelemetryClientInfo telemetry_client(const CallBase& call) {
  const ConnectionState& connection = call.connection();
  return {Bytes(call.client_id()), connection.client_software_name, connection.client_software_version,
          connection.info.peer_host, connection.info.peer_port, connection.info.id};
}

// Runs `work` on the shard of the client instance, then `done` here with its result.
template <class Result>
void at_telemetry_home(Shard& from, const Uuid& instance_id, std::function<Result(Shard&)> work,
                       std::function<void(Result)> done) {
  from.router().at_hashed(from, std::hash<Uuid>()(instance_id),
                          [&from, work = std::move(work), done = std::move(done)](Shard& home) {
                            auto result = std::make_shared<Result>();
                            if (!continue_or_drop([&] { *result = work(home); })) {
                              return home.router().run_on(home, from, [done] {});  // destroyed where it came from
                            }
                            home.router().run_on(home, from, [result, done] {
                              continue_or_drop([&] { done(std::move(*result)); });
                            });
                          });
}

}  // namespace milena::broker
