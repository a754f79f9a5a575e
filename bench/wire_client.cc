#include "wire_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "protocol/messages/create_topics.h"
#include "protocol/messages/find_coordinator.h"

namespace milena::bench {
namespace {

constexpr size_t kReadSize = 256 * 1024;

// -1 if nobody listens.
int try_connect(int port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) give_up(std::string("socket: ") + std::strerror(errno));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return -1;
  }
  // Among the ports for outgoing connections, a socket may be given the very port that it connects to.
  sockaddr_in own{};
  socklen_t size = sizeof own;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size);
  if (own.sin_port == address.sin_port) {
    ::close(fd);
    return -1;
  }
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

}  // namespace

int64_t number(const Arguments& arguments, const std::string& name, int64_t fallback) {
  auto found = arguments.find(name);
  return found == arguments.end() ? fallback : std::atoll(found->second.c_str());
}

const std::string& text(const Arguments& arguments, const std::string& name) {
  auto found = arguments.find(name);
  if (found == arguments.end()) give_up("--" + name + " is missing");
  return found->second;
}

double at_share(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<size_t>(share * static_cast<double>(values.size() - 1)));
}

double now_s() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::_Exit(1);
}

WireClient::WireClient(int port, size_t connections) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  for (size_t i = 0; i < connections; i++) {
    if (!connect(port)) give_up(std::string("connect: ") + std::strerror(errno));
  }
}

WireClient::~WireClient() {
  for (auto& connection : connections_) {
    if (connection->fd >= 0) ::close(connection->fd);
  }
  ::close(epoll_);
}

std::optional<size_t> WireClient::connect(int port) {
  const int fd = try_connect(port);
  if (fd < 0) return std::nullopt;
  connections_.push_back(std::make_unique<Connection>());
  Connection& connection = *connections_.back();
  connection.index = connections_.size() - 1;
  connection.fd = fd;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &connection;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  return connection.index;
}

void WireClient::closed(Connection& connection, const std::string& why) {
  if (!on_close_) give_up(why);
  ::close(connection.fd);
  connection.fd = -1;
  connection.in.clear();
  connection.out.clear();
  connection.waiting.clear();
  on_close_(connection.index);
}

void WireClient::send(size_t index, Bytes frame, OnAnswer on_answer) {
  Connection& connection = *connections_[index];
  connection.waiting.push_back(std::move(on_answer));
  connection.out += frame;
  if (!connection.writes) flush(connection);
}

void WireClient::flush(Connection& connection) {
  while (!connection.out.empty()) {
    ssize_t sent = ::send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return watch(connection, true);
    if (sent < 0 && !on_close_) give_up(std::string("send: ") + std::strerror(errno));
    // The caller is about to send; receive() tells of the end.
    if (sent < 0) return connection.out.clear();
    connection.out.erase(0, static_cast<size_t>(sent));
  }
  watch(connection, false);
}

void WireClient::watch(Connection& connection, bool writes) {
  if (connection.writes == writes) return;
  connection.writes = writes;
  epoll_event event{};
  event.events = EPOLLIN | (writes ? EPOLLOUT : 0u);
  event.data.ptr = &connection;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &event);
}

void WireClient::receive(Connection& connection) {
  size_t before = connection.in.size();
  connection.in.resize(before + kReadSize);
  ssize_t got = ::recv(connection.fd, connection.in.data() + before, kReadSize, 0);
  connection.in.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
  if (got == 0) return closed(connection, "the broker closed a connection");
  if (got < 0 && errno != EAGAIN) return closed(connection, std::string("recv: ") + std::strerror(errno));
  size_t at = 0;
  while (connection.in.size() - at >= 4) {
    size_t size = load_big_endian<uint32_t>(connection.in.data() + at);
    if (connection.in.size() - at - 4 < size) break;
    Reader reader(ByteView(connection.in).substr(at + 4, size));
    OnAnswer on_answer = std::move(connection.waiting.front());
    connection.waiting.pop_front();
    at += 4 + size;
    on_answer(reader);
  }
  connection.in.erase(0, at);
}

void WireClient::run_until(const std::function<bool()>& done, double deadline_s, const std::string& what) {
  double end_s = now_s() + deadline_s;
  std::vector<epoll_event> events(256);
  while (!done()) {
    double now = now_s();
    if (now > end_s) give_up("waited in vain: " + what);
    while (!timers_.empty() && timers_.begin()->first <= now) {
      auto task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      task();
    }
    double wait_s = timers_.empty() ? 0.1 : std::clamp(timers_.begin()->first - now, 0.0, 0.1);
    // epoll_wait has milliseconds: at a fixed rate it would spin away the rest of one.
    timespec wait{0, static_cast<long>(wait_s * 1e9)};
    int count = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
    for (int i = 0; i < count; i++) {
      Connection& connection = *static_cast<Connection*>(events[static_cast<size_t>(i)].data.ptr);
      if (events[static_cast<size_t>(i)].events & EPOLLOUT) flush(connection);
      if (events[static_cast<size_t>(i)].events & ~static_cast<uint32_t>(EPOLLOUT)) receive(connection);
    }
  }
}

void prepare(WireClient& client, const std::string& topic, int32_t partitions, int8_t key_type) {
  CreateTopicsRequest create;
  create.timeout_ms = 30'000;
  auto& made = create.topics.emplace_back();
  made.name = topic;
  made.num_partitions = partitions;
  made.replication_factor = 1;
  bool created = false;
  client.ask<CreateTopicsResponse>(0, create, 5, [&](CreateTopicsResponse& response) {
    ErrorCode error = response.topics.at(0).error_code;
    created = error == ErrorCode::kNone || error == ErrorCode::kTopicAlreadyExists;
    if (!created) give_up("the topic could not be made");
  });
  client.run_until([&] { return created; }, 60, "the topic is made");
  bool found = false;
  std::function<void()> look = [&] {
    FindCoordinatorRequest find;
    find.key = "bench";
    find.key_type = key_type;
    client.ask<FindCoordinatorResponse>(0, find, 3, [&](FindCoordinatorResponse& response) {
      found = response.error_code == ErrorCode::kNone;
      if (!found) client.at(now_s() + 0.1, look);
    });
  };
  look();
  client.run_until([&] { return found; }, 60, "the coordinator is found");
}

}  // namespace milena::bench

int main(int count, char** words) {
  using namespace milena::bench;
  Arguments arguments;
  for (int i = 2; i + 1 < count; i += 2) arguments[std::string(words[i]).substr(2)] = words[i + 1];
  std::string command = count > 1 ? words[1] : "";
  if (command == "one-group") return one_group(arguments);
  if (command == "many-groups") return many_groups(arguments);
  if (command == "commit") return commit_offsets(arguments);
  if (command == "fetch") return fetch_offsets(arguments);
  if (command == "transactions") return paced_transactions(arguments);
  if (command == "acknowledgements") return acknowledgements(arguments);
  if (command == "wait-for-cluster") return wait_for_cluster(arguments);
  give_up(
      "usage: milena_bench_wire one-group|many-groups|commit|fetch|transactions --port N [--name value]...\n"
      "       milena_bench_wire acknowledgements|wait-for-cluster --ports N,N,N [--name value]...");
}
