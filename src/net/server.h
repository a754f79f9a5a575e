// Server: the listeners, and the connections of all shards. Accepts on shard 0 and hands the sockets to the shards in
// turn; a connection stays on its shard for life. Owned by main, or by a test.
//
// As in Kafka, listeners come and go with the setting: one whose name is new is opened, one that is named no more is
// closed with its connections. Another address for a name that is there counts from the next start on.
//
// open() binds the ports, start() begins to listen, stop() closes everything; all three are called from a thread that
// is none of the loops. Knows nothing of what is in a request.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/rate_meter.h"
#include "base/result.h"
#include "broker/clients/session.h"
#include "net/connection_set.h"
#include "net/listener.h"
#include "net/loop_group.h"

namespace milena::net {

struct ServerOptions {
  std::vector<ListenerOptions> listeners;
  ConnectionLimits limits;
  int max_connections = INT32_MAX;                                  // max.connections
  const char* max_connections_setting = "max.connections";
  int max_connections_per_ip = INT32_MAX;                           // max.connections.per.ip
  int max_creation_rate = INT32_MAX;                                // max.connection.creation.rate, a second
  int quota_windows = 11;                                           // quota.window.num
  int64_t quota_window_ms = 1000;                                   // quota.window.size.seconds
  std::unordered_map<std::string, int> max_connections_of_ip;       // max.connections.per.ip.overrides
};

class Server {
 public:
  explicit Server(LoopGroup& loops, ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Status open();
  // The sockets that open() bound, with real port numbers; without later additions or removals.
  const std::vector<BoundSocket>& sockets() const { return sockets_; }
  // Is told, before start() and on shard 0, of settings that were altered, as the server is.
  void set_settings_watcher(std::function<void(const config::Settings&)> watcher) {
    settings_watcher_ = std::move(watcher);
  }
  // From here on clients are served. The factory outlives the server.
  Status start(broker::SessionFactory& sessions);
  // No new connections; closes those that are there. Done when it returns.
  void stop();

 private:
  class Acceptor;

  // Takes the settings that may be altered while the broker runs: limits, and the listeners.
  void take_settings(const config::Settings& settings);
  void take_listeners(const std::vector<ListenerOptions>& wanted);
  void add_listener(const ListenerOptions& listener);
  void open_listener(const ListenerOptions& listener);
  void exchange_stores(ListenerOptions& listener, const security::TlsSettings& wanted);
  void remove_listener(const std::string& name);
  void accept_ready(Acceptor& acceptor);
  bool is_full(const std::string& listener_name) const;
  // How long nothing more is accepted, of the broker's and the listener's rates.
  int64_t creation_throttle_ms(const std::string& listener_name);
  void take(int descriptor, const BoundSocket& from, const sockaddr_storage& peer);
  // max.connections, or less where descriptors are few.
  int connection_limit() const;
  bool is_full() const { return connections_ + static_cast<int>(held_.size()) >= connection_limit(); }
  void on_end(const broker::ConnectionInfo& info);
  void hold_then_close(int descriptor, int64_t hold_ms);
  void resume_accepting_in(int64_t ms);
  void resume_accepting();

  LoopGroup& loops_;
  ServerOptions options_;  // after start(), the limits of connections are shard 0's
  std::vector<BoundSocket> sockets_;
  std::vector<std::unique_ptr<ConnectionSet>> sets_;  // one a shard
  bool started_ = false;
  bool stopped_ = false;

  // On shard 0's thread.
  std::vector<std::shared_ptr<Acceptor>> acceptors_;
  uint64_t last_connection_id_ = 0;
  size_t next_shard_ = 0;
  int connections_ = 0;
  std::unordered_map<std::string, int> connections_of_ip_;
  std::unordered_map<std::string, int> connections_of_listener_;
  bool accepting_paused_ = false;
  TimerId retry_timer_ = 0;
  broker::SessionFactory* sessions_ = nullptr;
  std::function<void(const config::Settings&)> settings_watcher_;
  std::unordered_map<int, TimerId> held_;  // by descriptor
  RateMeter creation_rate_;
  std::unordered_map<std::string, RateMeter> creation_rate_of_listener_;
};

}  // namespace milena::net
