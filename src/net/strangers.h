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
  // The client has authenticated, or is gone.
  void remove(Connection& connection);
  void note_activity(Connection& connection);
  void stop();
  size_t size() const { return silent_longest_.size(); }

 private:
  void make_room();
  void watch();
  void drop_late();

  EventLoop& loop_;
  const ConnectionLimits limits_;
  std::list<Connection*> silent_longest_;  // first
  uint64_t timer_ = 0;
};

}  // namespace milena::net
