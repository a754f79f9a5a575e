// HTTP over real sockets, beside Kafka's protocol.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "e2e/e2e_fixture.h"

namespace milena::e2e {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Listens on the port as long as this lives. Port 0: on any free one.
class TakenPort {
 public:
  explicit TakenPort(int port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(port);
    socklen_t size = sizeof address;
    // If another process has it, it is taken as well.
    if (::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size) == 0) ::listen(descriptor_, 1);
    ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~TakenPort() { ::close(descriptor_); }
  int port() const { return port_; }

 private:
  int descriptor_;
  int port_;
};

// The whole response to a request with Connection: close.
std::string ask(int port, const std::string& request) {
  int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval limit{20, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const sockaddr_in address = loopback(port);
  std::string answer;
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::send(descriptor, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    std::array<char, 4096> part;
    for (ssize_t size; (size = ::recv(descriptor, part.data(), part.size(), 0)) > 0;) {
      answer.append(part.data(), static_cast<size_t>(size));
    }
  }
  ::close(descriptor);
  return answer;
}

std::string get(int port, const std::string& path) {
  return ask(port, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

int http_port(BrokerProcess& broker) {
  const std::string line = "Listening on HTTP://127.0.0.1:";
  const std::string output = broker.output();
  const size_t at = output.find(line);
  return at == std::string::npos ? -1 : std::atoi(output.c_str() + at + line.size());
}

TEST(HttpListener, ServesBesideKafka) {
  BrokerProcess broker(2, {"milena.http.listeners=127.0.0.1:0"});
  const int port = http_port(broker);
  ASSERT_GT(port, 0) << broker.output();
  EXPECT_EQ(get(port, "/livez").substr(0, 17), "HTTP/1.1 200 OK\r\n");
  EXPECT_NE(get(port, "/readyz").find("\"ready\": true"), std::string::npos);

  Producer producer(broker.address());
  Record record;
  record.topic = "t";
  record.value = "x";
  producer.send(record);
  producer.flush();
  const std::string page = get(port, "/metrics");
  EXPECT_NE(page.find("\nmilena_topic_records_in_total{topic=\"t\"} 1\n"), std::string::npos) << page;
  EXPECT_NE(page.find("\nprocess_open_fds "), std::string::npos);

  // Two requests at once are answered in their order; other protocols get an error.
  const std::string both = ask(port, "GET /livez HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_LT(both.find("200 OK"), both.find("404 Not Found"));
  EXPECT_EQ(ask(port, "\x16\x03\x01 hello").substr(0, 13), "HTTP/1.1 400 ");
  EXPECT_EQ(broker.stop(), 0);
}

TEST(HttpListener, IsOffWithAnEmptyValue) {
  BrokerProcess broker(1, {"milena.http.listeners="});
  EXPECT_EQ(broker.output().find("HTTP"), std::string::npos) << broker.output();
}

// Several brokers with the default settings run on one machine.
TEST(HttpListener, ABrokerStartsWithoutItsDefaultPort) {
  TakenPort taken(9644);
  BrokerProcess broker(1);
  EXPECT_NE(broker.output().find("WARN Metrics and health are not served over HTTP"), std::string::npos)
      << broker.output();
}

TEST(HttpListener, APortThatWasAskedForIsNotGivenUp) {
  TakenPort taken(0);
  const std::string directory = (std::filesystem::temp_directory_path() / "milena-e2e-refused").string();
  const Outcome refused =
      run_milena("--override listeners=PLAINTEXT://127.0.0.1:0 --override log.dirs=" + directory +
                 " --override milena.http.listeners=127.0.0.1:" + std::to_string(taken.port()));
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.output.find("milena.http.listeners: cannot listen on HTTP://127.0.0.1"), std::string::npos)
      << refused.output;
  EXPECT_FALSE(std::filesystem::exists(directory)) << "refused before anything was made";
}

}  // namespace
}  // namespace milena::e2e
