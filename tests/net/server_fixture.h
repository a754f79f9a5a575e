// A server with sessions that echo, for the tests of sockets and listeners.
#pragma once

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "net/server.h"
#include "net/test_client.h"

namespace milena::net::net_test {

// Among this process's sockets the one of a connection with these ports; 0 is any.
inline int find_socket(uint16_t local_port, uint16_t peer_port) {
  for (int descriptor = 0; descriptor < 1024; descriptor++) {
    sockaddr_storage local{};
    sockaddr_storage peer{};
    socklen_t local_size = sizeof local;
    socklen_t peer_size = sizeof peer;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&local), &local_size) != 0) continue;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) continue;
    if (local.ss_family != AF_INET && local.ss_family != AF_INET6) continue;
    if (local_port != 0 && describe_address(local).second != local_port) continue;
    if (peer_port == 0 || describe_address(peer).second == peer_port) return descriptor;
  }
  return -1;
}

// "cubic"
inline std::string congestion_control(int descriptor) {
  char algorithm[16] = "";
  socklen_t size = sizeof algorithm;
  return ::getsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, algorithm, &size) == 0 ? algorithm : "";
}

// Shared by a test and its sessions; the sessions live on the shards' threads.
struct Journal {
  std::mutex mutex;
  std::condition_variable changed;
  int opened = 0;
  int closed = 0;
  int closed_by_peer = 0;
  int destroyed = 0;
  std::set<int> shards;
  std::vector<broker::ConnectionInfo> infos;
  int slow = 0;  // slow requests that were handled
  Bytes seen;  // bodies of requests without a response
  std::vector<broker::Transport*> parked;
  std::vector<int> parked_shards;

  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), condition);
  }
  template <class Value>
  Value get(Value Journal::*member) {
    std::lock_guard lock(mutex);
    return this->*member;
  }
  template <class Change>
  void note(Change change) {
    std::lock_guard lock(mutex);
    change();
    changed.notify_all();
  }
};

// Echoes; the first letter of a request may select something else:
// 'p' park, 'n' no answer, 'c' answer then close, 'b' a big answer, 'f' the answer from a file, 'a' the address, 's' an
// answer that takes the processor for 4 ms.
class EchoSession final : public broker::Session {
 public:
  EchoSession(Journal& journal, int shard, broker::ConnectionInfo info, broker::Transport& transport)
      : journal_(journal), shard_(shard), info_(std::move(info)), transport_(transport) {}
  ~EchoSession() override {
    EXPECT_TRUE(closed_) << "destroyed without on_closed";
    journal_.note([&] { journal_.destroyed++; });
  }

  void on_request(broker::Frame frame) override {
    EXPECT_FALSE(closed_);
    EXPECT_FALSE(in_request_) << "called from within its own call";
    in_request_ = true;
    handle(std::move(frame));
    in_request_ = false;
  }

  void on_closed(bool by_peer) override {
    EXPECT_FALSE(in_request_);
    EXPECT_FALSE(closed_) << "told twice";
    closed_ = true;
    journal_.note([&] {
      journal_.closed++;
      journal_.closed_by_peer += by_peer ? 1 : 0;
    });
  }

 private:
  void handle(broker::Frame frame) {
    switch (frame.bytes[0]) {
      case 'p':
        return journal_.note([&] {
          journal_.parked.push_back(&transport_);
          journal_.parked_shards.push_back(shard_);
        });
      case 'n':
        journal_.note([&] { journal_.seen += frame.bytes; });
        return transport_.send_nothing();
      case 's': {
        const int64_t until_ms = system_clock().steady_ms() + 4;
        while (system_clock().steady_ms() < until_ms) {}
        transport_.send(answer(frame));
        return journal_.note([&] { journal_.slow++; });
      }
      case 'c':
        transport_.send(answer(frame));
        return transport_.close("asked for");
      case 'b':
        return transport_.send(Payload(TestClient::frame(Bytes(8 << 20, 'b'))));
      case 'f':
        return transport_.send(file_answer(frame.bytes.substr(1)));
      case 'a':
        return transport_.send(Payload(TestClient::frame(
            fmt::format("{} {} {}", info_.peer_host, info_.local_host, info_.listener_name))));
      default:
        return transport_.send(answer(frame));
    }
  }

  // Size, then the frame's own bytes without a copy.
  static Payload answer(const broker::Frame& frame) {
    Payload payload;
    Bytes size;
    append_big_endian<int32_t>(size, static_cast<int32_t>(frame.bytes.size()));
    payload.append(std::move(size));
    payload.append(SharedBytes{frame.buffer, frame.bytes});
    return payload;
  }

  // head, slice, middle, slice, tail: like a fetch of two partitions.
  static Payload file_answer(ByteView path) {
    std::shared_ptr<const File> file = posix_file_system().open(Bytes(path), OpenMode::kRead).take();
    uint64_t size = file->size().value();
    Payload payload;
    Bytes head;
    append_big_endian<int32_t>(head, static_cast<int32_t>(6 + size + (size - size / 2)));
    head += "<<";
    payload.append(std::move(head));
    payload.append(FileSlice{file, 0, size});
    payload.append(Bytes("||"));
    payload.append(FileSlice{file, size / 2, size - size / 2});
    payload.append(Bytes(">>"));
    return payload;
  }

  Journal& journal_;
  const int shard_;
  const broker::ConnectionInfo info_;
  broker::Transport& transport_;
  bool closed_ = false;
  bool in_request_ = false;
};

class EchoFactory final : public broker::SessionFactory {
 public:
  explicit EchoFactory(Journal& journal) : journal_(journal) {}
  void watch_settings(std::function<void(const config::Settings&)> changed) override { changed_ = std::move(changed); }
  void change(const config::Settings& settings) { changed_(settings); }
  std::unique_ptr<broker::Session> open(int shard, broker::ConnectionInfo info, broker::Transport& transport) override {
    journal_.note([&] {
      journal_.opened++;
      journal_.shards.insert(shard);
      journal_.infos.push_back(info);
    });
    return std::make_unique<EchoSession>(journal_, shard, std::move(info), transport);
  }

 private:
  Journal& journal_;
  std::function<void(const config::Settings&)> changed_;
};

class ServerTest : public testing::TestWithParam<int> {
 protected:
  ~ServerTest() override { stop(); }

  void start(ServerOptions options = {}, const std::string& host = "127.0.0.1") {
    if (options.listeners.empty()) {
      ListenerOptions listener;
      listener.name = "PLAINTEXT";
      listener.host = host;
      listener.backlog = 1024;
      options.listeners.push_back(listener);
    }
    server_ = std::make_unique<Server>(loops_, std::move(options));
    Status opened = server_->open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    ASSERT_TRUE(server_->start(factory_).ok());
  }
  void stop() {
    if (server_) server_->stop();
    server_.reset();
    loops_.stop();
    EXPECT_EQ(journal_.opened, journal_.closed);
    EXPECT_EQ(journal_.opened, journal_.destroyed);
  }
  uint16_t port() const { return server_->sockets().front().port; }

  // Answers a parked request, on its shard.
  void answer_parked(size_t index, Bytes body) {
    broker::Transport* transport = journal_.get(&Journal::parked)[index];
    loops_.loop(journal_.get(&Journal::parked_shards)[index]).post([transport, body] {
      transport->send(Payload(TestClient::frame(body)));
    });
  }

  Journal journal_;
  EchoFactory factory_{journal_};
  LoopGroup loops_{GetParam()};
  std::unique_ptr<Server> server_;
};

}  // namespace milena::net::net_test
