// ConnectionSet: the connections of one shard. Owns them, groups their work at the end of a turn, closes idle ones.
// Created on any thread; after that, everything runs on the loop's thread.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "broker/clients/session.h"
#include "net/connection.h"
#include "net/protocol.h"
#include "net/strangers.h"

namespace milena::net {

class EventLoop;

class ConnectionSet {
 public:
  // Calls `on_end` for each connection that is gone.
  ConnectionSet(EventLoop& loop, int shard, broker::SessionFactory& sessions, ConnectionLimits limits,
                std::function<void(const broker::ConnectionInfo&)> on_end);
  ~ConnectionSet();

  EventLoop& loop() { return loop_; }
  size_t size() const { return connections_.size(); }

  // Takes an accepted socket, with its listener's protocol.
  void add(int descriptor, broker::ConnectionInfo info, const Protocol& protocol);
  // Closes all connections, or those of one listener, now; pending responses are written as far as the sockets take
  // them at once.
  void close_all();
  void close_listener(const std::string& name);

  // For the connections. touch() requests end_turn() in this turn, touch_next_turn() in the next one, postpone()
  // requests resume() with the loop's postponed work.
  void touch(Connection& connection);
  void touch_next_turn(Connection& connection);
  void postpone(Connection& connection);
  void note_activity(Connection& connection, int64_t now_ms);
  void bury(Connection& connection);
  // After the handshake.
  std::unique_ptr<broker::Session> open_session(Connection& connection);
  void tell_failed_handshake(const broker::ConnectionInfo& info, const std::string& reason) {
    sessions_.on_failed_handshake(shard_, info, reason);
  }
  void authenticated(Connection& connection) { strangers_.remove(connection); }
  // Within a handshake. May drop the connection.
  void wait_for_client() { strangers_.trim(); }

 private:
  void drop(const std::vector<std::shared_ptr<Connection>>& connections, const char* why);
  void end_turn();
  void close_idle();
  void watch_idle();

  EventLoop& loop_;
  const int shard_;
  broker::SessionFactory& sessions_;
  const ConnectionLimits limits_;
  const std::function<void(const broker::ConnectionInfo&)> on_end_;

  std::unordered_map<uint64_t, std::shared_ptr<Connection>> connections_;
  // Longest without activity first.
  std::list<Connection*> by_activity_;
  uint64_t idle_timer_ = 0;
  Strangers strangers_;

  std::vector<std::shared_ptr<Connection>> touched_;
  std::vector<std::shared_ptr<Connection>> buried_;
  bool end_of_turn_asked_ = false;
};

}  // namespace milena::net
