#include "net/server.h"

#include <unistd.h>

#include <algorithm>
#include <asio.hpp>
#include <cerrno>
#include <cstring>

#include "base/descriptors.h"
#include "base/log.h"
#include "net/server_settings.h"
#include "net/tls_protocol.h"

namespace milena::net {
namespace {

// After a failed accept for lack of descriptors or memory.
constexpr int64_t kAcceptRetry_ms = 1000;
constexpr int kAcceptsPerTurn = 64;
// How often to log that connections wait.
constexpr int64_t kPausesLogged_ms = 10'000;
// Connections of addresses over their rate that are held open; more are closed at once.
constexpr size_t kMaxHeld = 1000;

// For a listener with TLS: reads its stores.
Status make_protocol(ListenerOptions& listener) {
  if (!listener.tls) return ok_status();
  Result<std::shared_ptr<TlsProtocol>> made = TlsProtocol::make(*listener.tls, listener.protocol);
  RETURN_IF_ERROR(made);
  listener.protocol = made.take();
  return ok_status();
}

// May take long: reads stores, looks a host's name up.
Status prepare(ListenerOptions& listener, const HostLookUp& look_up) {
  RETURN_IF_ERROR(make_protocol(listener));
  return look_up_addresses(listener, look_up);
}

std::vector<ListenerOptions>::iterator find_listener(std::vector<ListenerOptions>& all, const std::string& name) {
  return std::find_if(all.begin(), all.end(), [&](const ListenerOptions& each) { return each.name == name; });
}

}  // namespace

Result<IpLimits> limits_by_address(const HostLimits& hosts, const HostLookUp& look_up) {
  IpLimits limits;
  for (const auto& [host, limit] : hosts) {
    std::vector<SocketAddress> addresses;
    if (look_up(host, addresses) != 0 || addresses.empty()) {
      return make_error(ErrorKind::kInvalid, "max.connections.per.ip.overrides={}:{}: the host {} is unknown", host,
                        limit, host);
    }
    for (const SocketAddress& each : addresses) limits[describe_peer(each.address).first] = limit;
  }
  return limits;
}

class Server::Acceptor {
 public:
  Acceptor(Server& server, EventLoop& loop, const BoundSocket& socket)
      : server_(server), descriptor_(loop.io(), socket.descriptor), socket_(socket) {}

  void watch(const std::shared_ptr<Acceptor>& self) {
    if (waits_) return;
    waits_ = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, [self](const asio::error_code& error) {
      self->waits_ = false;
      if (!error) self->server_.accept_ready(*self);
    });
  }
  void close() {
    asio::error_code ignored;
    descriptor_.close(ignored);
  }
  const BoundSocket& socket() const { return socket_; }

 private:
  Server& server_;
  asio::posix::stream_descriptor descriptor_;
  const BoundSocket socket_;
  bool waits_ = false;
};

Server::Server(LoopGroup& loops, ServerOptions options)
    : loops_(loops), options_(std::move(options)), creation_rate_(options_.quota_windows, options_.quota_window_ms) {}

Server::~Server() {
  stop();
}

Status Server::open() {
  Result<IpLimits> limits = limits_by_address(options_.max_connections_of_hosts, options_.look_up);
  RETURN_IF_ERROR(limits);
  host_limits_ = options_.max_connections_of_hosts;
  limits_of_ip_ = limits.take();
  for (ListenerOptions& listener : options_.listeners) {
    RETURN_IF_ERROR(prepare(listener, options_.look_up));
    Result<std::vector<BoundSocket>> bound = bind_listener(listener);
    RETURN_IF_ERROR(bound);
    for (BoundSocket& socket : *bound) sockets_.push_back(std::move(socket));
  }
  return ok_status();
}

Status Server::start(broker::SessionFactory& sessions) {
  sessions_ = &sessions;
  for (int i = 0; i < loops_.size(); i++) {
    auto on_end_there = [this](const broker::ConnectionInfo& info) {
      loops_.loop(0).post([this, info] { on_end(info); });
    };
    ConnectionLimits limits = options_.limits;
    limits.max_strangers = std::max<size_t>(1, limits.max_strangers / static_cast<size_t>(loops_.size()));
    sets_.push_back(std::make_unique<ConnectionSet>(loops_.loop(i), i, sessions, limits, on_end_there));
  }
  int backlog = options_.listeners.empty() ? 50 : options_.listeners.front().backlog;
  for (const BoundSocket& socket : sockets_) RETURN_IF_ERROR(listen_on(socket, backlog));
  started_ = true;
  loops_.run_on_each([this](int shard) {
    if (shard != 0) return;
    for (const BoundSocket& socket : sockets_) {
      acceptors_.push_back(std::make_shared<Acceptor>(*this, loops_.loop(0), socket));
      acceptors_.back()->watch(acceptors_.back());
    }
    sessions_->watch_settings([this](const config::Settings& settings) { take_settings(settings); });
  });
  return ok_status();
}

void Server::stop() {
  if (std::exchange(stopped_, true)) return;
  if (!started_) {
    for (const BoundSocket& socket : sockets_) ::close(socket.descriptor);
    return;
  }
  // First stops accepting, then closes the connections, then those on their way between the shards.
  loops_.run_on_each([this](int shard) {
    if (shard != 0) return;
    serves_.reset();
    sessions_->watch_settings(nullptr);
    for (auto& acceptor : acceptors_) acceptor->close();
    acceptors_.clear();
    loops_.loop(0).cancel(retry_timer_);
    for (auto& [descriptor, timer] : held_) {
      loops_.loop(0).cancel(timer);
      ::close(descriptor);
    }
    held_.clear();
  });
  loops_.run_on_each([this](int shard) { sets_[shard]->close_all(); });
  loops_.run_on_each([](int) {});
  loops_.run_on_each([this](int shard) { sets_[shard].reset(); });
}

void Server::take_settings(const config::Settings& settings) {
  Result<ServerOptions> now = (options_.read != nullptr ? options_.read : server_options)(settings);
  if (!now.ok()) return log_warn("{}; listeners and connection limits are not changed", now.error().message);
  options_.max_connections = now->max_connections;
  options_.max_connections_per_ip = now->max_connections_per_ip;
  take_host_limits(now->max_connections_of_hosts);
  options_.max_creation_rate = now->max_creation_rate;
  take_listeners(now->listeners);
  if (accepting_paused_ && !is_full()) resume_accepting();
  if (settings_watcher_) settings_watcher_(settings);
}

void Server::run_blocking(Task work, Task then) {
  loops_.loop(0).run_blocking(std::move(work), [serves = std::weak_ptr(serves_), then = std::move(then)] {
    if (!serves.expired()) then();
  });
}

void Server::take_host_limits(const HostLimits& wanted) {
  if (host_limits_ == wanted) return;
  host_limits_ = wanted;
  if (std::any_of(wanted.begin(), wanted.end(), [](const auto& each) { return needs_look_up(each.first); })) {
    return look_up_hosts();
  }
  take_ip_limits(limits_by_address(wanted, look_up_host));
}

// One look-up at a time; if others are wanted when it ends, these are next.
void Server::look_up_hosts() {
  if (std::exchange(hosts_are_looked_up_, true)) return;
  auto found = std::make_shared<Result<IpLimits>>(IpLimits());
  auto find = [found, hosts = *host_limits_, look_up = options_.look_up] {
    *found = limits_by_address(hosts, look_up);
  };
  run_blocking(std::move(find), [this, found, hosts = *host_limits_] {
    hosts_are_looked_up_ = false;
    if (host_limits_ != hosts) return take_host_limits(*std::exchange(host_limits_, std::nullopt));
    take_ip_limits(std::move(*found));
  });
}

void Server::take_ip_limits(Result<IpLimits> limits) {
  if (limits.ok()) {
    limits_of_ip_ = limits.take();
    return;
  }
  log_warn("{}; the limits of single addresses are not changed", limits.error().message);
  host_limits_.reset();  // the next change of settings tries again
}

void Server::take_listeners(const std::vector<ListenerOptions>& wanted) {
  const auto named = [](const std::string& name) {
    return [&name](const ListenerOptions& listener) { return listener.name == name; };
  };
  const std::vector<ListenerOptions> before = options_.listeners;
  for (const ListenerOptions& listener : before) {
    if (std::none_of(wanted.begin(), wanted.end(), named(listener.name))) remove_listener(listener.name);
  }
  std::erase_if(prepared_, [&](const auto& each) {
    return std::none_of(wanted.begin(), wanted.end(), named(each.first));
  });
  for (const ListenerOptions& listener : wanted) {
    if (std::none_of(before.begin(), before.end(), named(listener.name))) {
      add_listener(listener);
      continue;
    }
    // Several addresses may have one name.
    for (ListenerOptions& ours : options_.listeners) {
      if (ours.name != listener.name) continue;
      ours.max_connections = listener.max_connections;
      ours.max_creation_rate = listener.max_creation_rate;
      if (ours.tls && listener.tls && *ours.tls != *listener.tls) exchange_stores(ours, *listener.tls);
    }
  }
}

void Server::exchange_stores(ListenerOptions& listener, const security::TlsSettings& wanted) {
  listener.tls = wanted;
  TlsContexts::replace_in_background(static_cast<const TlsProtocol&>(*listener.protocol).contexts(), loops_.loop(0),
                                     wanted, "Listener " + listener.name);
}

// If it cannot be opened, the next change of settings tries again.
void Server::add_listener(const ListenerOptions& listener) {
  auto made = std::make_shared<ListenerOptions>(listener);
  if (!prepared_.emplace(listener.name, made).second) return;
  auto outcome = std::make_shared<Status>(ok_status());
  auto open = [this, made, outcome] {
    const auto wanted = prepared_.find(made->name);
    if (wanted == prepared_.end() || wanted->second != made) return;
    prepared_.erase(wanted);
    if (!outcome->ok()) return log_error("{}", outcome->error().message);
    open_listener(*made);
  };
  if (listener.tls || needs_look_up(listener.host)) {
    return run_blocking([made, outcome, look_up = options_.look_up] { *outcome = prepare(*made, look_up); }, open);
  }
  *outcome = prepare(*made, look_up_host);
  open();
}

void Server::open_listener(const ListenerOptions& listener) {
  Result<std::vector<BoundSocket>> bound = bind_listener(listener);
  if (!bound.ok()) return log_error("{}", bound.error().message);
  for (const BoundSocket& socket : *bound) {
    if (Status listening = listen_on(socket, listener.backlog); !listening.ok()) {
      log_error("{}", listening.error().message);
      for (const BoundSocket& each : *bound) ::close(each.descriptor);
      return;
    }
  }
  options_.listeners.push_back(listener);
  for (const BoundSocket& socket : *bound) {
    acceptors_.push_back(std::make_shared<Acceptor>(*this, loops_.loop(0), socket));
    acceptors_.back()->watch(acceptors_.back());
    log_info("Listening on {}://{}:{}", socket.listener_name, socket.host.empty() ? "*" : socket.host, socket.port);
  }
}

void Server::remove_listener(const std::string& name) {
  log_info("Listener {} is removed", name);
  std::erase_if(options_.listeners, [&](const ListenerOptions& each) { return each.name == name; });
  std::erase_if(acceptors_, [&](const std::shared_ptr<Acceptor>& each) {
    if (each->socket().listener_name != name) return false;
    each->close();
    return true;
  });
  for (size_t shard = 0; shard < sets_.size(); shard++) {
    loops_.loop(static_cast<int>(shard)).post([this, shard, name] { sets_[shard]->close_listener(name); });
  }
}

void Server::accept_ready(Acceptor& acceptor) {
  for (int i = 0; i < kAcceptsPerTurn; i++) {
    const std::string& listener_name = acceptor.socket().listener_name;
    if (is_full(listener_name)) {
      return pause_accepting(fmt::format("Listener {} has reached its connection limit", listener_name));
    }
    if (is_full()) {
      return pause_accepting(fmt::format("{} connections: {} is reached", connections_,
                                         connection_limit() == options_.max_connections
                                             ? options_.max_connections_setting
                                             : "the limit of open files"));
    }
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    int descriptor = ::accept4(acceptor.socket().descriptor, reinterpret_cast<sockaddr*>(&peer), &size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      take(descriptor, acceptor.socket(), peer);
      if (int64_t wait_ms = creation_throttle_ms(listener_name); wait_ms > 0) return resume_accepting_in(wait_ms);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    // A client that was gone before it was accepted is ignored.
    if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
    log_error("Cannot accept connections on port {}: {}; next try in {} ms", acceptor.socket().port,
              std::strerror(errno), kAcceptRetry_ms);
    return resume_accepting_in(kAcceptRetry_ms);
  }
  resume_accepting();
}

bool Server::is_full(const std::string& listener_name) const {
  const auto open = connections_of_listener_.find(listener_name);
  if (open == connections_of_listener_.end()) return false;
  return std::any_of(options_.listeners.begin(), options_.listeners.end(), [&](const ListenerOptions& each) {
    return each.name == listener_name && open->second >= each.max_connections;
  });
}

int64_t Server::creation_throttle_ms(const std::string& listener_name) {
  const int64_t now_ms = loops_.loop(0).clock().steady_ms();
  int64_t wait_ms = 0;
  if (options_.max_creation_rate != INT32_MAX) {
    creation_rate_.record(1, now_ms);
    wait_ms = creation_rate_.throttle_ms(options_.max_creation_rate, now_ms);
  }
  const auto listener = find_listener(options_.listeners, listener_name);
  if (listener == options_.listeners.end() || listener->max_creation_rate == INT32_MAX) return wait_ms;
  RateMeter& rate =
      creation_rate_of_listener_.try_emplace(listener_name, options_.quota_windows, options_.quota_window_ms)
          .first->second;
  rate.record(1, now_ms);
  return std::max(wait_ms, rate.throttle_ms(listener->max_creation_rate, now_ms));
}

// Clients that come and go decide how often there is one: not every one is logged.
void Server::pause_accepting(const std::string& why) {
  if (std::exchange(accepting_paused_, true)) return;
  const int64_t now_ms = loops_.loop(0).clock().steady_ms();
  if (last_pause_ms_ && now_ms - *last_pause_ms_ < kPausesLogged_ms) return;
  last_pause_ms_ = now_ms;
  log_warn("{}; new connections wait", why);
}

void Server::resume_accepting_in(int64_t ms) {
  EventLoop& loop = loops_.loop(0);
  retry_timer_ = loop.call_after(ms, [this] { resume_accepting(); });
}

void Server::resume_accepting() {
  accepting_paused_ = false;
  for (auto& acceptor : acceptors_) acceptor->watch(acceptor);
}

void Server::take(int descriptor, const BoundSocket& from, const sockaddr_storage& peer) {
  broker::ConnectionInfo info;
  std::tie(info.peer_host, info.peer_port) = describe_peer(peer);
  if (int64_t hold_ms = sessions_->connection_refusal_ms(info.peer_host); hold_ms > 0) {
    return hold_then_close(descriptor, hold_ms);
  }
  auto own_limit = limits_of_ip_.find(info.peer_host);
  int limit = own_limit != limits_of_ip_.end() ? own_limit->second : options_.max_connections_per_ip;
  int& of_ip = connections_of_ip_[info.peer_host];
  if (of_ip >= limit) {
    log_info("Rejected a connection from {}: this address already has {} connections (max.connections.per.ip)",
             info.peer_host, of_ip);
    ::close(descriptor);
    if (of_ip == 0) connections_of_ip_.erase(info.peer_host);
    return;
  }
  sockaddr_storage local{};
  socklen_t size = sizeof local;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&local), &size);
  std::tie(info.local_host, info.local_port) = describe_address(local);
  stop_pacing_within_host(descriptor, local, peer);
  info.listener_name = from.listener_name;
  info.security_protocol = from.security_protocol;
  info.id = ++last_connection_id_;
  of_ip++;
  connections_++;
  connections_of_listener_[info.listener_name]++;

  size_t shard = next_shard_;
  next_shard_ = (next_shard_ + 1) % sets_.size();
  if (shard == 0) return sets_[0]->add(descriptor, std::move(info), *from.protocol);
  loops_.loop(static_cast<int>(shard))
      .post([this, shard, descriptor, protocol = from.protocol, info = std::move(info)]() mutable {
        sets_[shard]->add(descriptor, std::move(info), *protocol);
      });
}

// A connection of an address over its rate is not closed at once: the client would only reconnect sooner.
void Server::hold_then_close(int descriptor, int64_t hold_ms) {
  if (held_.size() >= kMaxHeld) {
    ::close(descriptor);
    return;
  }
  EventLoop& loop = loops_.loop(0);
  TimerId timer = loop.call_after(hold_ms, [this, descriptor] {
    held_.erase(descriptor);
    ::close(descriptor);
    if (accepting_paused_ && !is_full()) resume_accepting();
  });
  held_.emplace(descriptor, timer);
}

int Server::connection_limit() const {
  return static_cast<int>(
      std::min<size_t>(static_cast<size_t>(options_.max_connections), descriptors_for_connections()));
}

void Server::on_end(const broker::ConnectionInfo& info) {
  connections_--;
  auto of_ip = connections_of_ip_.find(info.peer_host);
  if (--of_ip->second == 0) connections_of_ip_.erase(of_ip);
  auto of_listener = connections_of_listener_.find(info.listener_name);
  if (--of_listener->second == 0) connections_of_listener_.erase(of_listener);
  if (accepting_paused_ && !is_full()) resume_accepting();
}

}  // namespace milena::net
