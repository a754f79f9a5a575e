// HttpFixture: requests to a node's HTTP service, without sockets.
#pragma once

#include <string>

#include "broker/group_fixture.h"
#include "broker/operations/http_service.h"

namespace milena::broker::broker_test {

// One HTTP connection; keeps what was sent.
class HttpConnection final : public Transport {
 public:
  HttpConnection(HttpService& service, int shard, ConnectionInfo info = {})
      : session_(service.open(shard, std::move(info), *this)) {}
  ~HttpConnection() override { disconnect(); }

  void send(Payload answer) override { received += *answer.flatten(); }
  void send_part(Payload part) override { received += *part.flatten(); }
  uint64_t unsent_bytes() const override { return unsent; }
  void send_nothing() override { ADD_FAILURE() << "a request without an answer"; }
  void pause(int64_t) override {}
  void close(std::string reason) override {
    closed = true;
    close_reason = std::move(reason);
  }

  void request(ByteView bytes) {
    auto buffer = std::make_shared_for_overwrite<char[]>(bytes.size());
    std::memcpy(buffer.get(), bytes.data(), bytes.size());
    session_->on_request({buffer, ByteView(buffer.get(), bytes.size())});
  }
  void get(const std::string& target, const std::string& headers = "") {
    request("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
  }
  void disconnect() {
    if (session_ != nullptr) session_->on_closed(true);
    session_.reset();
  }

  Bytes received;
  bool closed = false;
  std::string close_reason;
  uint64_t unsent = 0;  // bytes that it did not read yet

 private:
  std::unique_ptr<Session> session_;
};

class HttpFixture : public GroupFixture {
 protected:
  void SetUp() override {
    GroupFixture::SetUp();
    begin_service();
  }

  // Null: every client is served.
  virtual std::shared_ptr<const HttpAccess> access() { return nullptr; }

  void begin_service() {
    std::vector<Executor*> executors;
    for (int i = 0; i < node().shard_count(); i++) {
      executors.push_back(&node().node().shard(static_cast<size_t>(i)).executor());
    }
    service_ = std::make_unique<HttpService>(std::move(executors), "1.2.3", access());
    service_->start(node().node());
  }

  // The whole response, on a separate connection.
  Bytes get(const std::string& target, const std::string& headers = "") {
    HttpConnection connection(*service_, node().shard_count() - 1);
    connection.get(target, headers);
    node().run();
    return connection.received;
  }
  // The value of the metric with these labels; empty without one.
  static std::string sample(const Bytes& page, const std::string& series) {
    const std::string start = "\n" + series + " ";
    const size_t at = page.find(start);
    if (at == Bytes::npos) return "";
    return page.substr(at + start.size(), page.find('\n', at + 1) - at - start.size());
  }

  std::unique_ptr<HttpService> service_;
};

}  // namespace milena::broker::broker_test
