#include "net/connection_set.h"

#include <algorithm>

#include "base/log.h"
#include "base/saturating.h"
#include "net/event_loop.h"

namespace milena::net {
namespace {

constexpr int64_t kMinIdleCheck_ms = 10;

}  // namespace

ConnectionSet::ConnectionSet(EventLoop& loop, int shard, broker::SessionFactory& sessions, ConnectionLimits limits,
                             std::function<void(const broker::ConnectionInfo&)> on_end)
    : loop_(loop),
      shard_(shard),
      sessions_(sessions),
      limits_(limits),
      on_end_(std::move(on_end)),
      strangers_(loop, limits) {}

ConnectionSet::~ConnectionSet() {
  for (auto& [id, connection] : connections_) connection->destroy_session();
}

void ConnectionSet::add(int descriptor, broker::ConnectionInfo info, const Protocol& protocol) {
  uint64_t id = info.id;
  auto connection = std::make_shared<Connection>(*this, protocol.make_stream(loop_, descriptor),
                                                 protocol.make_reader(limits_), info);
  connections_.emplace(id, connection);
  connection->active_ms = loop_.clock().steady_ms();
  connection->place = by_activity_.insert(by_activity_.end(), connection.get());
  if (info.security_protocol != security::SecurityProtocol::kPlaintext) strangers_.add(*connection);
  connection->start();
  watch_idle();
}

void ConnectionSet::close_all() {
  std::vector<std::shared_ptr<Connection>> all;
  for (auto& [id, connection] : connections_) all.push_back(connection);
  drop(all, "the broker stops");
  if (idle_timer_ != 0) loop_.cancel(std::exchange(idle_timer_, 0));
  strangers_.stop();
}

void ConnectionSet::close_listener(const std::string& name) {
  std::vector<std::shared_ptr<Connection>> of_it;
  for (auto& [id, connection] : connections_) {
    if (connection->info().listener_name == name) of_it.push_back(connection);
  }
  drop(of_it, "its listener was removed");
}

void ConnectionSet::drop(const std::vector<std::shared_ptr<Connection>>& connections, const char* why) {
  for (const auto& connection : connections) {
    connection->end_turn();
    connection->drop(Connection::End::kQuiet, why);
  }
}

void ConnectionSet::touch(Connection& connection) {
  if (connection.touched) return;
  connection.touched = true;
  touched_.push_back(connection.shared_from_this());
  if (std::exchange(end_of_turn_asked_, true)) return;
  loop_.at_end_of_turn([this] { end_turn(); });
}

void ConnectionSet::touch_next_turn(Connection& connection) {
  loop_.post([this, weak = connection.weak_from_this()] {
    if (auto still_there = weak.lock()) touch(*still_there);
  });
}

void ConnectionSet::postpone(Connection& connection) {
  loop_.postpone([weak = connection.weak_from_this()] {
    if (auto still_there = weak.lock()) still_there->resume();
  });
}

std::unique_ptr<broker::Session> ConnectionSet::open_session(Connection& connection) {
  return sessions_.open(shard_, connection.info(), connection);
}

void ConnectionSet::bury(Connection& connection) {
  strangers_.remove(connection);
  by_activity_.erase(connection.place);
  auto node = connections_.extract(connection.info().id);
  on_end_(connection.info());
  buried_.push_back(std::move(node.mapped()));
  if (std::exchange(end_of_turn_asked_, true)) return;
  loop_.at_end_of_turn([this] { end_turn(); });
}

void ConnectionSet::end_turn() {
  end_of_turn_asked_ = false;
  std::vector<std::shared_ptr<Connection>> touched = std::exchange(touched_, {});
  for (auto& connection : touched) {
    connection->touched = false;
    connection->end_turn();
  }
  std::vector<std::shared_ptr<Connection>> buried = std::exchange(buried_, {});
  for (auto& connection : buried) connection->destroy_session();
}

void ConnectionSet::note_activity(Connection& connection, int64_t now_ms) {
  connection.active_ms = now_ms;
  by_activity_.splice(by_activity_.end(), by_activity_, connection.place);
  strangers_.note_activity(connection);
}

// One timer for all, set to the deadline of the connection idle for longest.
void ConnectionSet::watch_idle() {
  if (idle_timer_ != 0 || limits_.max_idle_ms < 0 || by_activity_.empty()) return;
  int64_t due_ms = std::max(add_saturating(by_activity_.front()->active_ms, limits_.max_idle_ms),
                            loop_.clock().steady_ms() + kMinIdleCheck_ms);
  idle_timer_ = loop_.call_at(due_ms, [this] {
    idle_timer_ = 0;
    close_idle();
    watch_idle();
  });
}

void ConnectionSet::close_idle() {
  int64_t now_ms = loop_.clock().steady_ms();
  for (size_t left = by_activity_.size(); left > 0; left--) {
    Connection& oldest = *by_activity_.front();
    if (add_saturating(oldest.active_ms, limits_.max_idle_ms) > now_ms) return;
    if (oldest.busy()) {
      note_activity(oldest, now_ms);
    } else {
      oldest.drop(Connection::End::kQuiet, "idle for longer than connections.max.idle.ms");
    }
  }
}

}  // namespace milena::net
