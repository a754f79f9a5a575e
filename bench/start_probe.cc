// Measures the time from exec to the first response that a Kafka client can use.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "load.h"

namespace milena::bench {
namespace {

// Between two attempts to connect. Without it the loop would take a processor from the starting program.
constexpr long kPauseNs = 50'000;

pid_t start_program(const std::vector<char*>& command, const std::string& log) {
  int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (output < 0) give_up("%s: %s", log.c_str(), std::strerror(errno));
  pid_t child = ::fork();
  if (child < 0) give_up("fork: %s", std::strerror(errno));
  if (child > 0) {
    ::close(output);
    return child;
  }
  ::setsid();
  int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, 0);
  ::dup2(output, 1);
  ::dup2(output, 2);
  ::execvp(command[0], command.data());
  std::fprintf(stderr, "%s: %s\n", command[0], std::strerror(errno));
  ::_exit(127);
}

// A connection to the port, or -1 if nothing listens.
int try_connect(int port) {
  int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) give_up("socket: %s", std::strerror(errno));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(socket);
    return -1;
  }
  int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  timeval limit{10, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return socket;
}

bool read_fully(int socket, char* into, size_t length) {
  for (size_t have = 0; have < length;) {
    ssize_t got = ::recv(socket, into + have, length - have, 0);
    if (got <= 0) return false;
    have += static_cast<size_t>(got);
  }
  return true;
}

// ApiVersions version 0 with a null client id; the answer begins with its length, the correlation id and an error code.
// False if the connection was closed instead: a starting program may do that.
bool ask_api_versions(int socket) {
  static constexpr char kRequest[] = {0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, '\xff', '\xff'};
  static constexpr char kHead[] = {0, 0, 0, 7, 0, 0};
  if (::send(socket, kRequest, sizeof kRequest, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof kRequest))
    return false;
  char answer[10];
  if (!read_fully(socket, answer, sizeof answer)) return false;
  if (std::memcmp(answer + 4, kHead, sizeof kHead) != 0)
    give_up("what answers on this port is not a Kafka broker");
  return true;
}

}  // namespace

int start_probe(const Options& options) {
  int port = static_cast<int>(options.number("port"));
  double deadline_s = options.decimal("deadline");
  std::vector<char*> command = options.command();
  if (int other = try_connect(port); other >= 0) give_up("port %d is in use", port);

  double begin = now_s();
  pid_t child = start_program(command, options.text("log"));
  double connected = 0;
  for (;;) {
    if (int socket = try_connect(port); socket >= 0) {
      if (connected == 0) connected = now_s();
      bool answered = ask_api_versions(socket);
      double end = now_s();
      ::close(socket);
      if (answered) {
        std::printf("{\"pid\": %d, \"seconds\": %.6f, \"connected\": %.6f}\n", child, end - begin,
                    connected - begin);
        return 0;
      }
    }
    if (::waitpid(child, nullptr, WNOHANG) == child) give_up("%s ended while starting", command[0]);
    if (now_s() - begin > deadline_s) {
      ::kill(child, SIGKILL);
      give_up("%s did not answer within %g s", command[0], deadline_s);
    }
    timespec pause{0, kPauseNs};
    ::nanosleep(&pause, nullptr);
  }
}

}  // namespace milena::bench
