// TestClient: one connection to a Node without a socket. Encodes any request, passes the frames to the node's Session
// one after the other like net/ (the next one only after the response to the previous one), and keeps the responses.
// Belongs to a NodeHarness, which runs the executors.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "broker/clients/session.h"
#include "broker/node.h"
#include "protocol/reader.h"
#include "protocol/request_frame.h"
#include "protocol/request_header.h"

namespace milena::broker::broker_test {

class TestClient final : public Transport {
 public:
  // `run` runs the node until it has nothing left to do.
  TestClient(Node& node, int shard, Executor& executor, Task run, ConnectionInfo info)
      : executor_(executor), run_(std::move(run)), session_(node.sessions().open(shard, std::move(info), *this)) {}
  ~TestClient() override { disconnect(); }

  // --- for tests

  // Sends and waits; the node must respond without the clock moving.
  template <class Response, class Request>
  Response ask(const Request& request, int16_t version) {
    EXPECT_TRUE(idle()) << "a request before this one is not answered";
    start(request, version);
    return take<Response>(version);
  }

  // Sends, and runs the node; it may respond now, later or not at all.
  template <class Request>
  void start(const Request& request, int16_t version) {
    queue_frame(encode(request, version));
    run_();
  }

  // Only queued: several of these and a run_now() act like requests in one packet.
  template <class Request>
  void queue(const Request& request, int16_t version) {
    queue_frame(encode(request, version));
  }
  void run_now() { run_(); }
  void start_raw(ByteView frame) {
    queue_frame(Bytes(frame));
    run_();
  }

  // The oldest response, which must be there, to the first request.
  template <class Response>
  Response take(int16_t version) {
    Response response;
    EXPECT_FALSE(answers_.empty()) << (closed_ ? "the connection was closed: " + close_reason_ : "no answer");
    if (answers_.empty()) return response;
    Bytes bytes = std::move(answers_.front());
    answers_.pop_front();
    last_answer_size_ = bytes.size();
    EXPECT_EQ(load_big_endian<int32_t>(bytes.data()), static_cast<int32_t>(bytes.size() - 4));
    Reader reader(ByteView(bytes).substr(4));
    ResponseHeader header;
    header.read(reader, Response::kApiKey, version);
    EXPECT_EQ(header.correlation_id, ++last_taken_);
    response.read(reader, version);
    EXPECT_TRUE(reader.ok()) << "the answer cannot be decoded";
    EXPECT_EQ(reader.remaining(), 0u);
    return response;
  }

  // The same for bytes that are not a Kafka response, with their size.
  Bytes take_raw() {
    EXPECT_FALSE(answers_.empty());
    if (answers_.empty()) return {};
    Bytes bytes = std::move(answers_.front());
    answers_.pop_front();
    return bytes;
  }
  // Whether the session reported to net/ that the client has authenticated.
  bool known() const { return known_; }

  bool has_answer() const { return !answers_.empty(); }
  size_t answer_count() const { return answers_.size(); }
  bool idle() const { return !in_flight_ && frames_.empty() && answers_.empty(); }
  // The number of requests completed without a response (acks=0).
  int silent_count() const { return silent_; }
  // How long the node wanted this client muted, in total. Its next frame is passed on all the same.
  int64_t paused_ms() const { return paused_ms_; }
  bool closed() const { return closed_; }
  const std::string& close_reason() const { return close_reason_; }
  // Size of the last response, with its size prefix.
  size_t last_answer_size() const { return last_answer_size_; }
  void set_client_id(std::string id) { client_id_ = std::move(id); }

  // The client disconnects.
  void disconnect() { end(true); }
  // The broker's side closes, as for an idle connection.
  void dropped_by_broker() { end(false); }

  // --- Transport

  void send(Payload answer) override {
    ASSERT_TRUE(in_flight_) << "an answer without a request";
    answers_.push_back(answer.flatten().value());
    settled();
  }
  void pause(int64_t ms) override { paused_ms_ += ms; }
  void authenticated() override { known_ = true; }
  void send_nothing() override {
    ASSERT_TRUE(in_flight_);
    silent_++;
    last_taken_++;
    settled();
  }
  void close(std::string reason) override {
    closed_ = true;
    close_reason_ = std::move(reason);
    frames_.clear();
  }

 private:
  void end(bool by_peer) {
    if (session_ == nullptr) return;
    *alive_ = false;
    session_->on_closed(by_peer);
    session_.reset();
  }

  template <class Request>
  Bytes encode(const Request& request, int16_t version) {
    return request_frame(request, version, ++last_sent_, client_id_).flatten().value().substr(4);
  }

  void queue_frame(Bytes bytes) {
    frames_.push_back(std::move(bytes));
    executor_.post([this, alive = alive_] { if (*alive) feed(); });
  }

  void settled() {
    in_flight_ = false;
    executor_.post([this, alive = alive_] { if (*alive) feed(); });
  }

  void feed() {
    if (in_flight_ || closed_ || frames_.empty()) return;
    in_flight_ = true;
    Bytes bytes = std::move(frames_.front());
    frames_.pop_front();
    Frame frame;
    frame.buffer = std::shared_ptr<char[]>(new char[bytes.size() + 1]);
    std::memcpy(frame.buffer.get(), bytes.data(), bytes.size());
    frame.bytes = ByteView(frame.buffer.get(), bytes.size());
    session_->on_request(std::move(frame));
  }

  Executor& executor_;
  Task run_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::string client_id_ = "test";
  std::deque<Bytes> frames_;
  std::deque<Bytes> answers_;
  bool in_flight_ = false;
  int64_t paused_ms_ = 0;
  bool known_ = false;
  bool closed_ = false;
  std::string close_reason_;
  int silent_ = 0;
  int32_t last_sent_ = 0;
  int32_t last_taken_ = 0;
  size_t last_answer_size_ = 0;
  std::unique_ptr<Session> session_;
};

}  // namespace milena::broker::broker_test
