// Strangers: a shard's connections of unauthenticated clients, on listeners with TLS or SASL. They are bounded in
// number and in time, so that clients that only connect cannot keep others out for long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>

#include "net/protocol.h"

namespace milena::net {

class Connection;

class Strangers {
 public:
  Strangers(EventLoop& loop, const ConnectionLimits& limits) : loop_(loop), limits_(limits) {}

  // At the limit the one idle for longest is dropped, except those whose handshake waits for us.
  void add(Connection& connection);
  // Some handshake waits for its client again: the same, if there are too many because none could be dropped before.
  void trim() { drop_idle(limits_.max_strangers); }
  // The client has authenticated, or is gone.
  void remove(Connection& connection);
  void note_activity(Connection& connection);
  void stop();
  size_t size() const { return silent_longest_.size(); }

 private:
  void drop_idle(size_t most_left);
  void watch();
  void drop_late();

  EventLoop& loop_;
  const ConnectionLimits limits_;
  std::list<Connection*> silent_longest_;  // first
  uint64_t timer_ = 0;
};

}  // namespace milena::net
