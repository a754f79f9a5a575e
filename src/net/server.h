// Server: the listeners, and the connections of all shards. Accepts on shard 0 and distributes the sockets to the
// shards in turn; a connection stays on its shard for life. Owned by main, or by a test.
//
// As in Kafka, listeners follow the setting: one with a new name is opened, one that was removed is closed with its
// connections. A new address of an existing name applies from the next start on.
//
// open() binds the ports, start() begins to listen, stop() closes everything; none of them is called from a loop's
// thread. Does not look into requests.
#pragma once

#include <memory>
#include <optional>
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

// max.connections.per.ip.overrides: hosts as they are written, addresses or names, and the same by address.
using HostLimits = std::vector<std::pair<std::string, int>>;
using IpLimits = std::unordered_map<std::string, int>;

struct ServerOptions {
  // Reads them again from altered settings; null: server_options().
  Result<ServerOptions> (*read)(const config::Settings&) = nullptr;
  std::vector<ListenerOptions> listeners;
  ConnectionLimits limits;
  int max_connections = INT32_MAX;                                  // max.connections
  const char* max_connections_setting = "max.connections";
  int max_connections_per_ip = INT32_MAX;                           // max.connections.per.ip
  int max_creation_rate = INT32_MAX;                                // max.connection.creation.rate, a second
  int quota_windows = 11;                                           // quota.window.num
  int64_t quota_window_ms = 1000;                                   // quota.window.size.seconds
  HostLimits max_connections_of_hosts;                              // max.connections.per.ip.overrides
  HostLookUp look_up = look_up_host;
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
  // Gets altered settings like the server, before start() and on shard 0.
  void set_settings_watcher(std::function<void(const config::Settings&)> watcher) {
    settings_watcher_ = std::move(watcher);
  }
  // Begins to serve clients. The factory must outlive the server.
  Status start(broker::SessionFactory& sessions);
  // Accepts no new connections and closes all. Complete when it returns.
  void stop();

 private:
  class Acceptor;

  // Takes the settings that may be altered while the broker runs: limits, and the listeners.
  void take_settings(const config::Settings& settings);
  void take_listeners(const std::vector<ListenerOptions>& wanted);
  void add_listener(const ListenerOptions& listener);
  void open_listener(const ListenerOptions& listener);
  void take_host_limits(const HostLimits& wanted);
  void look_up_hosts();
  void take_ip_limits(Result<IpLimits> limits);
  // `then` runs on shard 0, unless the server has stopped.
  void run_blocking(Task work, Task then);
  void exchange_stores(ListenerOptions& listener, const security::TlsSettings& wanted);
  void remove_listener(const std::string& name);
  void accept_ready(Acceptor& acceptor);
  bool is_full(const std::string& listener_name) const;
  // How long to pause accepting, by the broker's and the listener's rates.
  int64_t creation_throttle_ms(const std::string& listener_name);
  void take(int descriptor, const BoundSocket& from, const sockaddr_storage& peer);
  // max.connections, or less if there are too few descriptors.
  int connection_limit() const;
  bool is_full() const { return connections_ + static_cast<int>(held_.size()) >= connection_limit(); }
  void on_end(const broker::ConnectionInfo& info);
  void hold_then_close(int descriptor, int64_t hold_ms);
  // Until a connection ends.
  void pause_accepting(const std::string& why);
  void resume_accepting_in(int64_t ms);
  void resume_accepting();

  LoopGroup& loops_;
  ServerOptions options_;  // after start(), the limits of connections are shard 0's
  std::vector<BoundSocket> sockets_;
  std::vector<std::unique_ptr<ConnectionSet>> sets_;  // one per shard
  std::shared_ptr<bool> serves_ = std::make_shared<bool>(true);  // null once it has stopped; on shard 0's thread
  bool started_ = false;
  bool stopped_ = false;

  // On shard 0's thread.
  std::vector<std::shared_ptr<Acceptor>> acceptors_;
  std::unordered_map<std::string, std::shared_ptr<ListenerOptions>> prepared_;  // to be opened, by name
  uint64_t last_connection_id_ = 0;
  size_t next_shard_ = 0;
  int connections_ = 0;
  std::unordered_map<std::string, int> connections_of_ip_;
  std::optional<HostLimits> host_limits_;  // the last wanted; not set if a host's addresses were not found
  bool hosts_are_looked_up_ = false;       // at this moment
  IpLimits limits_of_ip_;
  std::unordered_map<std::string, int> connections_of_listener_;
  bool accepting_paused_ = false;
  std::optional<int64_t> last_pause_ms_;  // when one was logged
  TimerId retry_timer_ = 0;
  broker::SessionFactory* sessions_ = nullptr;
  std::function<void(const config::Settings&)> settings_watcher_;
  std::unordered_map<int, TimerId> held_;  // by descriptor
  RateMeter creation_rate_;
  std::unordered_map<std::string, RateMeter> creation_rate_of_listener_;
};

// An error if a host has no address.
Result<IpLimits> limits_by_address(const HostLimits& hosts, const HostLookUp& look_up);

}  // namespace milena::net
