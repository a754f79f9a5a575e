// The program: reads the settings, creates loops, node and server, and waits for a signal to stop.
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "base/left_out_lines.h"
#include "base/log.h"
#include "base/log_format.h"
#include "base/start_pages.h"
#include "broker/api_reference.h"
#include "broker/cluster/peer_security.h"
#include "broker/cluster/refusing_network.h"
#include "broker/cluster/sasl_network.h"
#include "broker/dev_security.h"
#include "broker/node.h"
#include "broker/operations/http_gate.h"
#include "broker/operations/http_service.h"
#include "broker/operations/in_process_connection.h"
#include "broker/operations/metric_table.h"
#include "broker/storage/bootstrap_checkpoint.h"
#include "config/config_listeners.h"
#include "config/config_reference.h"
#include "config/settings.h"
#include "config/settings_environment.h"
#include "config/settings_report.h"
#include "net/outgoing.h"
#include "net/server.h"
#include "net/server_settings.h"
#include "net/service_manager.h"
#include "tools/cluster.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/seed/declared.h"
#include "tools/seed/dev_users.h"

namespace milena {
namespace {

int fail(const std::string& message) {
  std::fprintf(stderr, "milena: %s\n", message.c_str());
  return 1;
}

int default_shards() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / 2); }

// Each log, index and connection needs a descriptor, and the usual soft limit is 1024.
void raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Buffers of a megabyte are allocated all the time: they stay on the heap, as mapping them would fault in each page
// again. One arena per shard, so that memory at rest stays small.
void tune_memory(int shards) {
  ::mallopt(M_ARENA_MAX, shards);
  ::mallopt(M_MMAP_THRESHOLD, 16 * 1024 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
}

// The first thread waits for signals and does nothing else; the others must not get them.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// `timeout`, npm and terminals send a signal twice, to the process and to its group: a second one within this time
// means the same stop. A later one ends the process at once.
constexpr time_t kSameSignal_s = 2;
volatile time_t impatient_from_s = 0;

// For signal handlers.
time_t steady_s() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

// Time enough for the work that follows a start.
constexpr timespec kSettled{2, 0};

void wait_for_stop(const sigset_t& signals) {
  int number = ::sigtimedwait(&signals, nullptr, &kSettled);
  if (number <= 0) forget_pages_of_the_start();
  while (number <= 0) number = ::sigwaitinfo(&signals, nullptr);
  impatient_from_s = steady_s() + kSameSignal_s;
  log_info("Stopping: {}. Another signal, {} seconds from now or later, exits at once.", ::sigdescr_np(number),
           kSameSignal_s);
  for (int again : {SIGTERM, SIGINT, SIGHUP}) {
    ::signal(again, [](int received) {
      if (steady_s() >= impatient_from_s) ::_exit(128 + received);
    });
  }
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

// While the start still waits for other nodes: whether a signal is pending.
bool stop_is_wanted() {
  sigset_t pending;
  ::sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1 ||
         sigismember(&pending, SIGHUP) == 1;
}

LogLevel chosen_log_level(const config::Settings& settings) {
  std::string name = settings.get_string("milena.log.level");
  switch (name[0] | 0x20) {
    case 't': return LogLevel::kTrace;
    case 'd': return LogLevel::kDebug;
    case 'i': return LogLevel::kInfo;
    case 'w': return LogLevel::kWarn;
    case 'e': return LogLevel::kError;
    default: return LogLevel::kOff;
  }
}

// Programs that start Kafka wait for this line, so it is logged at any level and in Kafka's own words.
void say_started(const config::Settings& settings, const std::vector<std::string>& more) {
  int node = settings.get_int("node.id");
  log_always("[BrokerLifecycleManager id={}] The broker has been unfenced. Transitioning from RECOVERY to RUNNING. "
             "(org.apache.kafka.server.BrokerLifecycleManager)", node);
  log_always("[BrokerServer id={}] Transition from STARTING to STARTED (kafka.server.BrokerServer)", node);
  log_always("[KafkaServer id={}] started (kafka.server.KafkaServer)", node);
  log_always("[KafkaRaftServer nodeId={}] Kafka Server started (kafka.server.KafkaRaftServer)", node);
  for (const std::string& line : more) log_always("{}", line);
}

void log_listeners(const net::Server& server) {
  for (const net::BoundSocket& socket : server.sockets()) {
    log_info("Listening on {}://{}:{}", socket.listener_name, socket.host.empty() ? "*" : socket.host, socket.port);
  }
}

// Several brokers may run on one machine with the default settings: the first has the port, the others serve no HTTP.
// For a port in the settings this is an error.
Status start_http(net::Server& server, broker::HttpService& service, const config::Settings& settings) {
  Status started = server.open();
  if (started.ok()) started = server.start(service);
  if (started.ok()) {
    log_listeners(server);
    return started;
  }
  server.stop();
  if (settings.is_set("milena.http.listeners")) return started;
  log_warn("Metrics and health are not served over HTTP: {}", started.error().message);
  return ok_status();
}

// Before the first client can connect.
Status make_declared_in(broker::Node& node, const tools::Declared& declared, const config::Settings& settings,
                        const net::Server& server, const net::LoopGroup& loops) {
  if (declared.empty()) return ok_status();
  broker::InProcessConnection connection(node.sessions(), *loops.executors().front(),
                                         server.sockets().front().listener_name);
  return tools::make_declared(declared, settings, [&connection](ByteView request, tools::Deadline deadline) {
    return connection.exchange(request, tools::milliseconds_until(deadline));
  });
}

// How this node reaches others: brokers, or controllers.
struct PeerNetwork {
  std::unique_ptr<net::OutgoingNetwork> sockets;
  std::unique_ptr<broker::Network> above;  // authenticates, or refuses

  broker::Network* network() const { return above != nullptr ? above.get() : sockets.get(); }
};

// A node that is also a controller may be alone: errors are reported when it connects to others.
Result<PeerNetwork> open_peer_network(net::LoopGroup& loops, const config::Settings& settings,
                                      const Result<broker::PeerSecurity>& security) {
  PeerNetwork made;
  if (!security.ok()) {
    if (!settings.has_role("controller")) return security.error();
    // A controller alone is asked by brokers, and asks none.
    if (settings.has_role("broker")) log_warn("Other brokers cannot be reached: {}", security.error().message);
    made.above = std::make_unique<broker::RefusingNetwork>(loops.executors(), security.error().message);
    return made;
  }
  std::shared_ptr<net::TlsContexts> contexts;
  if (security->tls) {
    auto loaded = net::TlsContexts::make(*security->tls, security::TlsRole::kClient);
    RETURN_IF_ERROR(loaded);
    contexts = loaded.take();
  }
  made.sockets = std::make_unique<net::OutgoingNetwork>(loops, std::move(contexts));
  if (security->tls) made.sockets->take_stores(*security->tls);
  if (security->login) {
    made.above = std::make_unique<broker::SaslNetwork>(*made.sockets, loops.executors(), *security->login,
                                                       fmt::format("broker-{}", settings.get_int("node.id")));
  }
  return made;
}

void exchange_stores(const PeerNetwork& peers, const Result<broker::PeerSecurity>& security) {
  if (peers.sockets != nullptr && security.ok() && security->tls) peers.sockets->take_stores(*security->tls);
}

int serve(const config::Settings& settings, const tools::CommandLine& line, std::optional<tools::Seed> dev_users) {
  Result<net::ServerOptions> options = net::server_options(settings);
  if (!options.ok()) return fail(options.error().message);
  Result<net::ServerOptions> http_options = net::http_server_options(settings);
  if (!http_options.ok()) return fail(http_options.error().message);
  Result<config::AdvertisedListeners> advertised = config::advertised_listeners(settings);
  if (!advertised.ok()) return fail(advertised.error().message);
  Result<tools::Declared> declared = tools::read_declared(settings, line.environment);
  if (!declared.ok()) return fail(declared.error().message);
  if (dev_users) declared->seeds.emplace(declared->seeds.begin(), "Users of --dev-security", std::move(*dev_users));
  Result<std::shared_ptr<const broker::HttpAccess>> access = broker::HttpAccess::from(settings, system_random());
  if (!access.ok()) return fail(access.error().message);
  int shards = settings.get_int("milena.shards");
  if (shards == 0) shards = default_shards();
  raise_open_files_limit();
  tune_memory(shards);
  sigset_t signals = block_stop_signals();

  net::LoopGroup loops(shards);
  const LeftOutLines left_out_lines(*loops.executors().front());
  net::Server server(loops, options.take());
  Status opened = server.open();
  if (!opened.ok()) return fail(opened.error().message);

  broker::HttpService http(loops.executors(), MILENA_VERSION, access.take());
  net::Server http_server(loops, http_options.take());
  Status http_started = start_http(http_server, http, settings);
  if (!http_started.ok()) return fail(http_started.error().message);

  log_info("Data directory: {}", settings.get_string("log.dirs"));
  Status tried = broker::try_stores_of_brokers(settings, system_clock().wall_ms());
  if (!tried.ok()) return fail(tried.error().message);
  Result<PeerNetwork> brokers = open_peer_network(loops, settings, broker::broker_peer_security(settings));
  if (!brokers.ok()) return fail(brokers.error().message);
  Result<PeerNetwork> controllers = PeerNetwork();
  if (!settings.has_role("controller")) {
    controllers = open_peer_network(loops, settings, broker::controller_peer_security(settings));
    if (!controllers.ok()) return fail(controllers.error().message);
  }
  server.set_settings_watcher([&http, &brokers, &controllers](const config::Settings& now) {
    http.tell_settings(now);
    exchange_stores(*brokers, broker::broker_peer_security(now));
    exchange_stores(*controllers, broker::controller_peer_security(now));
  });
  broker::NodeSurroundings surroundings;
  surroundings.network = brokers->network();
  surroundings.controller_network = controllers->network();
  surroundings.cancelled = stop_is_wanted;
  Result<std::unique_ptr<broker::Node>> node =
      broker::Node::start(settings, loops.executors(), posix_file_system(), std::move(surroundings));
  if (!node.ok()) return fail(node.error().message);
  Status started = make_declared_in(**node, *declared, settings, server, loops);
  if (started.ok()) started = server.start(node.value()->sessions());
  if (started.ok()) {
    http.start(**node);
    log_listeners(server);
    say_started(settings, line.say_when_ready);
    net::notify_service_manager("READY=1");
    wait_for_stop(signals);
    net::notify_service_manager("STOPPING=1");
  }
  node.value()->leave();
  http.stop();
  server.stop();
  http_server.stop();
  node.value()->stop();
  loops.stop();
  if (!started.ok()) return fail(started.error().message);
  log_info("Stopped");
  return 0;
}

// Address and credentials for the health check: a listener without authentication; without one, as between brokers.
struct HealthTarget {
  const config::ListenerEndpoint* listener = nullptr;
  tools::ClientSecurity security;
};

Result<HealthTarget> own_health_target(const config::Settings& settings,
                                       const std::vector<config::ListenerEndpoint>& listeners) {
  const auto find = [&](auto fits) {
    const auto found = std::find_if(listeners.begin(), listeners.end(), fits);
    return found == listeners.end() ? nullptr : &*found;
  };
  HealthTarget target;
  target.listener = find([](const config::ListenerEndpoint& each) { return each.protocol == "PLAINTEXT"; });
  if (target.listener != nullptr) return target;
  Result<broker::PeerSecurity> peers =
      settings.has_role("broker") ? broker::broker_peer_security(settings) : broker::controller_peer_security(settings);
  if (peers.ok()) {
    target.listener = find([&](const config::ListenerEndpoint& each) { return each.listener_name == peers->listener; });
  }
  if (target.listener == nullptr) {
    return make_error(ErrorKind::kInvalid, "no listener is PLAINTEXT or for other brokers; expected --command-config "
                                           "FILE and HOST:PORT");
  }
  Result<tools::ClientSecurity> security = tools::client_security(peers->tls, peers->login);
  RETURN_IF_ERROR(security);
  target.security = security.take();
  return target;
}

int check_health(const tools::CommandLine& line, const config::Settings& settings) {
  std::map<std::string, std::string> properties;
  if (!line.client_config.empty()) {
    auto read = tools::read_properties(line.client_config);
    if (!read.ok()) return fail(read.error().message);
    properties = read.take();
  }
  Result<tools::ClientSecurity> given = tools::client_security(properties);
  if (!given.ok()) return fail(given.error().message);
  if (!line.address.empty()) {
    Result<tools::BrokerAddress> address = tools::parse_broker_address(line.address);
    return address.ok() ? tools::run_health(*address, *given) : fail(address.error().message);
  }
  Result<std::vector<config::ListenerEndpoint>> listeners =
      settings.has_role("broker") ? config::broker_listeners(settings) : config::controller_listeners(settings);
  if (!listeners.ok()) return fail(listeners.error().message);
  HealthTarget target;
  if (line.client_config.empty()) {
    Result<HealthTarget> own = own_health_target(settings, *listeners);
    if (!own.ok()) return fail(own.error().message);
    target = own.take();
  } else {
    const auto wanted = properties.find("security.protocol");
    const std::string protocol = wanted == properties.end() ? "PLAINTEXT" : wanted->second;
    const auto found = std::find_if(listeners->begin(), listeners->end(),
                                    [&](const config::ListenerEndpoint& each) { return each.protocol == protocol; });
    if (found == listeners->end()) return fail("no listener is " + protocol);
    target = {&*found, given.take()};
  }
  const config::ListenerEndpoint& listener = *target.listener;
  return tools::run_health({config::is_wildcard(listener.host) ? "localhost" : listener.host, listener.port},
                           target.security);
}

// The first users of a new cluster; without a directory they are only checked.
Status write_first_users(std::span<const std::string> users, const std::string& directory) {
  Result<metadata::MetadataRecords> records = broker::scram_records(users, system_random());
  RETURN_IF_ERROR(records);
  if (directory.empty()) return ok_status();
  return broker::write_bootstrap_records_with(posix_file_system(), directory, *records, system_clock().wall_ms());
}

int print_config(const tools::CommandLine& line, const config::Settings& settings, const std::string& unused) {
  fmt::print("{}", config::settings_report(settings, line.all));
  if (!unused.empty()) std::fprintf(stderr, "milena: %s\n", unused.c_str());
  for (const std::string& warning : settings.warnings()) std::fprintf(stderr, "milena: %s\n", warning.c_str());
  return 0;
}

// The same settings with those of a secured listener, unless they are set.
Result<config::Settings> secured_for_development(tools::CommandLine& line, const config::Settings& settings,
                                                 std::optional<tools::Seed>& users) {
  if (!settings.has_role("broker")) {
    return make_error(ErrorKind::kInvalid,
                      "--dev-security: expected process.roles with broker, for its users to log in");
  }
  FileSystem& files = posix_file_system();
  broker::DevSecurityOptions options;
  options.tls = true;
  char host[256] = {};
  if (::gethostname(host, sizeof(host) - 1) == 0 && host[0] != '\0') options.host_names.emplace_back(host);
  auto security = broker::prepare_dev_security(files, settings, options, system_clock(), system_random());
  RETURN_IF_ERROR(security);
  users = tools::dev_users(security->passwords);
  for (const std::string& setting : security->overrides) line.settings.overrides.push_back(setting);
  for (const std::string& text : security->advice) log_always("{}", text);
  return config::Settings::load(line.settings);
}

int run(int count, const char* const* words);

int run_tool(const tools::CommandLine& line) {
  if (line.tool->run != nullptr) return line.tool->run(line.words);
  int code = 0;
  std::optional<std::vector<std::string>> words = tools::redpanda_words(line.words, code);
  if (!words) return code;
  std::vector<const char*> pointers;
  for (const std::string& word : *words) pointers.push_back(word.c_str());
  return run(static_cast<int>(pointers.size()), pointers.data());
}

int run(int count, const char* const* words) {
  tools::CommandLine line = tools::parse_command_line(count, words);
  if (!line.mistake.empty()) {
    fail(line.mistake + " (see milena help)");
    return 2;
  }
  switch (line.command) {
    case tools::CommandLine::Command::kHelp: fmt::print("{}", tools::help_text()); return 0;
    case tools::CommandLine::Command::kApiReference: fmt::print("{}", broker::api_reference()); return 0;
    case tools::CommandLine::Command::kPermissionReference: fmt::print("{}", broker::permission_reference()); return 0;
    case tools::CommandLine::Command::kMetricReference: fmt::print("{}", broker::metric_reference()); return 0;
    case tools::CommandLine::Command::kConfigReference: fmt::print("{}", config::config_reference()); return 0;
    case tools::CommandLine::Command::kVersion: fmt::print("milena {}\n", MILENA_VERSION); return 0;
    case tools::CommandLine::Command::kTool: return run_tool(line);
    default: break;
  }
  std::vector<config::EnvironmentSetting> environment = config::settings_from_environment(environ);
  std::string unused = line.environment ? std::string() : config::unused_environment_warning(environment);
  if (line.environment) line.settings.environment = std::move(environment);
  Result<config::Settings> settings = config::Settings::load(line.settings);
  if (!settings.ok()) return fail(settings.error().message);
  switch (line.command) {
    case tools::CommandLine::Command::kHealth: return check_health(line, *settings);
    case tools::CommandLine::Command::kConfig: return print_config(line, *settings, unused);
    default: break;
  }
  set_log_level(chosen_log_level(*settings));
  if (settings->get_string("milena.log.format") == "json") set_format_of_log_lines(LogFormatOfLines::kJson);
  log_info("Milena {} starts", MILENA_VERSION);
  std::optional<tools::Seed> dev_users;
  if (line.dev_security) {
    settings = secured_for_development(line, settings.take(), dev_users);
    if (!settings.ok()) return fail(settings.error().message);
  }
  if (!unused.empty()) log_warn("{}", unused);
  for (const std::string& warning : settings->warnings()) log_warn("{}", warning);
  return serve(*settings, line, std::move(dev_users));
}

}  // namespace
}  // namespace milena

int main(int count, char** words) {
  try {
    milena::tools::write_scram_users = milena::write_first_users;
    return milena::run(count, words);
  } catch (const std::system_error& error) {  // a thread could not be started
    return milena::fail(std::string("a thread cannot be started: ") + error.what());
  }
}
