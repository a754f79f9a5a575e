#include "broker/operations/in_process_connection.h"

#include <chrono>
#include <cstring>

namespace milena::broker {
namespace {

constexpr size_t kSizeBytes = 4;

}  // namespace

InProcessConnection::InProcessConnection(SessionFactory& sessions, Executor& executor, std::string listener_name)
    : executor_(executor) {
  ConnectionInfo info;
  info.peer_host = "127.0.0.1";
  info.local_host = "127.0.0.1";
  info.listener_name = std::move(listener_name);
  info.in_process = true;
  run_there([&] { session_ = sessions.open(0, info, *this); });
}

InProcessConnection::~InProcessConnection() {
  run_there([this] {
    session_->on_closed(true);
    session_.reset();
  });
}

void InProcessConnection::run_there(Task task) {
  bool done = false;
  executor_.post([&] {
    task();
    const std::lock_guard lock(mutex_);
    done = true;
    settled_.notify_all();
  });
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [&] { return done; });
}

Result<Bytes> InProcessConnection::exchange(ByteView request, int64_t timeout_ms) {
  if (broken_) return make_error(ErrorKind::kIo, "this node did not respond to a previous request");
  if (request.size() < kSizeBytes) return make_error(ErrorKind::kInvalid, "a request of {} bytes", request.size());
  request.remove_prefix(kSizeBytes);
  Frame frame;
  frame.buffer = std::shared_ptr<char[]>(new char[request.size()]);
  std::memcpy(frame.buffer.get(), request.data(), request.size());
  frame.bytes = ByteView(frame.buffer.get(), request.size());
  frame.arrived_ns = executor_.clock().steady_ns();
  executor_.post([this, frame = std::move(frame)]() mutable {
    if (session_ != nullptr) session_->on_request(std::move(frame));
  });
  std::unique_lock lock(mutex_);
  if (!settled_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return answer_.has_value(); })) {
    broken_ = true;
    return make_error(ErrorKind::kIo, "this node did not respond in time");
  }
  Result<Bytes> answer = std::move(*answer_);
  answer_.reset();
  return answer;
}

void InProcessConnection::settle(Result<Bytes> answer) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
  settled_.notify_all();
}

void InProcessConnection::send(Payload answer) { settle(answer.flatten()); }

void InProcessConnection::send_nothing() { settle(Bytes()); }

void InProcessConnection::close(std::string reason) {
  settle(make_error(ErrorKind::kIo, "this node refused the request: {}", reason));
}

}  // namespace milena::broker
