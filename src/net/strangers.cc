#include "net/strangers.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "net/connection.h"
#include "net/event_loop.h"

namespace milena::net {
namespace {

// How often to check for late clients, while there are any.
constexpr int64_t kLateCheck_ms = 1000;

}  // namespace

void Strangers::add(Connection& connection) {
  drop_idle(limits_.max_strangers - 1);
  connection.stranger_since_ms = loop_.clock().steady_ms();
  connection.stranger_place = silent_longest_.insert(silent_longest_.end(), &connection);
  watch();
}

void Strangers::remove(Connection& connection) {
  if (!connection.stranger_place) return;
  silent_longest_.erase(*connection.stranger_place);
  connection.stranger_place.reset();
}

void Strangers::note_activity(Connection& connection) {
  if (!connection.stranger_place) return;
  silent_longest_.splice(silent_longest_.end(), silent_longest_, *connection.stranger_place);
}

void Strangers::stop() {
  if (timer_ != 0) loop_.cancel(std::exchange(timer_, 0));
}

void Strangers::drop_idle(size_t most_left) {
  while (silent_longest_.size() > most_left) {
    const auto idle = std::find_if(silent_longest_.begin(), silent_longest_.end(),
                                   [](const Connection* each) { return !each->handshake_works(); });
    if (idle == silent_longest_.end()) return;
    (*idle)->drop(Connection::End::kQuiet,
                  "too many unauthenticated clients (milena.unauthenticated.connections.max)");
  }
}

void Strangers::watch() {
  if (timer_ != 0 || silent_longest_.empty()) return;
  timer_ = loop_.call_after(std::min(kLateCheck_ms, limits_.authentication_ms), [this] {
    timer_ = 0;
    drop_late();
    watch();
  });
}

void Strangers::drop_late() {
  const int64_t now_ms = loop_.clock().steady_ms();
  std::vector<Connection*> late;
  for (Connection* each : silent_longest_) {
    if (now_ms - each->stranger_since_ms >= limits_.authentication_ms) late.push_back(each);
  }
  for (Connection* each : late) {
    each->drop(Connection::End::kQuiet, "it has not authenticated within milena.authentication.timeout.ms");
  }
}

}  // namespace milena::net
