// Tap: the requests of one client as they are answered, for a reader that follows them over HTTP (`milena tap`). Only
// names, sizes, errors and times; never the contents of a request.
//
// A reader is known to all shards while it reads. A shard writes a line for each request of its client and hands it to
// the reader's shard; what the reader does not take in time is left out and counted. Without a reader a request costs a
// look at an empty list.
//
// The log has the requests of all clients in the same words where its level is TRACE.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "protocol/writer.h"

namespace milena::http {
struct HttpCall;
}  // namespace milena::http

namespace milena::broker {

class Node;
class Shard;

// A finished request.
struct TappedRequest {
  int64_t time_ms = 0;
  ByteView client_id;
  ByteView peer;  // "10.0.0.5:50123"
  ByteView api;
  int16_t version = 0;
  uint64_t bytes = 0;
  uint64_t answer_bytes = 0;  // 0: none
  const Writer::Errors* errors = nullptr;
  int64_t duration_ns = 0;
  ByteView refusal;  // why it was not answered; empty if it was
};

// A line each, with its end.
Bytes tapped_json(const TappedRequest& request);
Bytes tapped_text(const TappedRequest& request);

// One reader. Shared by the shards.
class Tap {
 public:
  Tap(Bytes client_id, bool json) : client_id_(std::move(client_id)), json_(json) {}

  bool wants(ByteView client_id) const { return client_id == client_id_; }
  Bytes line_of(const TappedRequest& request) const {
    return json_ ? tapped_json(request) : tapped_text(request);
  }
  // A line with the number of lines that were dropped before this one.
  Bytes gap_line(uint64_t left_out) const;

  // Lines on their way to the reader's shard.
  static constexpr int kMaxOnTheWay = 1000;
  std::atomic<int> on_the_way = 0;
  std::atomic<uint64_t> left_out = 0;
  // On the reader's shard.
  std::function<void(Bytes line)> deliver;

 private:
  const Bytes client_id_;
  const bool json_;
};

// The readers that are registered with a shard. Belongs to its thread.
class Taps {
 public:
  static constexpr size_t kMax = 8;

  // A reader, or the log of this folder at TRACE.
  bool any() const { return !taps_.empty() || traces(); }
  size_t size() const { return taps_.size(); }
  void add(std::shared_ptr<Tap> tap, Shard& home) { taps_.push_back({std::move(tap), &home}); }
  void remove(const Tap* tap);
  void note(const TappedRequest& request);

 private:
  struct Reader {
    std::shared_ptr<Tap> tap;
    Shard* home;
  };
  static bool traces() { return log_level(logger_of_file("src/broker/")) == LogLevel::kTrace; }
  std::vector<Reader> taps_;
};

// GET /tap?client-id=X[&count=N][&format=json]
void serve_tap(Node& node, http::HttpCall call);

}  // namespace milena::broker
