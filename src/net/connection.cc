#include "net/connection.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/saturating.h"
#include "net/connection_set.h"
#include "net/event_loop.h"

namespace milena::net {
namespace {

// Requests read ahead of the one that is being handled.
constexpr size_t kMaxWaitingFrames = 256;
constexpr size_t kMaxWaiting_bytes = 256 * 1024;
// The next request is passed on while at most this much of earlier responses is unsent: a client that does not read its
// responses cannot pile them up.
constexpr uint64_t kMaxUnsent_bytes = 1024 * 1024;
// Most bytes that one connection may move in a turn, before the others have theirs.
constexpr size_t kReadBudget = 2 * 1024 * 1024;
constexpr uint64_t kWriteBudget = 8 * 1024 * 1024;
// How long it may be served in a turn before the others.
constexpr int64_t kSlice_ns = 2'000'000;
// Requests whose times are kept until their responses are sent; for more the sending is not measured.
constexpr size_t kMaxUnsent = 1024;

// Distinguishes a client that closed from a network failure: its members leave their groups sooner.
Connection::End end_of_error(int error) {
  return error == ECONNRESET || error == EPIPE ? Connection::End::kPeer : Connection::End::kLost;
}

}  // namespace

Connection::Connection(ConnectionSet& set, std::unique_ptr<Stream> stream, std::unique_ptr<RequestReader> reader,
                       const broker::ConnectionInfo& info)
    : set_(set), stream_(std::move(stream)), info_(info), reader_(std::move(reader)) {}

void Connection::start() { open(); }

void Connection::open() {
  handshake_works_ = false;
  const IoResult result = stream_->handshake([weak = weak_from_this()] {
    if (auto self = weak.lock(); self && !self->gone_) self->open();
  });
  switch (result.kind) {
    case IoResult::kWorks:
      handshake_works_ = true;
      return;
    case IoResult::kWantsRead:
    case IoResult::kWantsWrite:
      read_waits_ = result.kind == IoResult::kWantsRead ? Wait::kReadable : Wait::kWritable;
      watch();
      return set_.wait_for_client();
    case IoResult::kEnd:
    case IoResult::kFailed:
      return fail_handshake(result);
    case IoResult::kMoved:
      break;
  }
  opened_ = true;
  info_.tls = stream_->peer();
  session_ = set_.open_session(*this);
  if (!security::uses_sasl(info_.security_protocol)) authenticated();
  watch_reads();
}

// As in Kafka, logs the failure and closes; the client has got an alert.
void Connection::fail_handshake(const IoResult& result) {
  if (result.kind == IoResult::kEnd) return drop(End::kQuiet, "it ended before its TLS handshake was complete");
  const std::string text = stream_->failure_text();
  log_info("Failed authentication with {}:{} on {} (SSL handshake failed: {})", info_.peer_host, info_.peer_port,
           info_.listener_name, text.empty() ? std::strerror(result.error) : text.c_str());
  set_.tell_failed_handshake(info_, text.empty() ? std::strerror(result.error) : text);
  drop(End::kQuiet, "its TLS handshake failed");
}

void Connection::authenticated() {
  reader_->authenticated();
  set_.authenticated(*this);
}

void Connection::send(Payload answer) {
  if (gone_ || closing_) return;
  CHECK(busy_, "an answer of {} bytes without a request", answer.size());
  writes_.push(std::move(answer));
  answered();
}

void Connection::send_part(Payload part) {
  if (gone_ || closing_) return;
  CHECK(busy_, "a part of an answer without a request");
  writes_.push(std::move(part));
  set_.touch(*this);
}

void Connection::send_nothing() {
  if (gone_ || closing_) return;
  CHECK(busy_, "no request to leave without an answer");
  answered();
}

// The response is sent at the end of the turn: a timer due before that must not see the connection as idle.
void Connection::answered() {
  busy_ = false;
  // A response within the call is handled after the call; the request was read just now.
  if (!delivering_) {
    const int64_t now_ns = set_.loop().clock().steady_ns();
    set_.note_activity(*this, now_ns / 1'000'000);
    note_answered(now_ns);
  }
  set_.touch(*this);
}

void Connection::note_answered(int64_t now_ns) {
  times_.answered_ns = now_ns;
  unsent_.push_back(times_);
  if (unsent_.size() >= kMaxUnsent) tell_sent(now_ns);
}

void Connection::tell_sent(int64_t now_ns) {
  if (unsent_.empty()) return;
  session_->on_sent(unsent_, now_ns);
  unsent_.clear();
}

void Connection::pause(int64_t ms) {
  if (gone_ || closing_) return;
  EventLoop& loop = set_.loop();
  paused_until_ms_ = add_saturating(loop.clock().steady_ms(), ms);
  // The connection may be gone by then; a later pause has its own timer.
  loop.call_at(paused_until_ms_, [weak = weak_from_this()] {
    if (auto self = weak.lock(); self && !self->gone_) self->set_.touch(*self);
  });
}

bool Connection::may_deliver() const {
  if (busy_ || closing_ || frames_.empty() || writes_.unsent_bytes() > kMaxUnsent_bytes) return false;
  return paused_until_ms_ == 0 || set_.loop().clock().steady_ms() >= paused_until_ms_;
}

void Connection::close(std::string reason) {
  if (gone_ || closing_) return;
  closing_ = true;
  close_reason_ = std::move(reason);
  set_.touch(*this);
}

bool Connection::wants_to_read() const {
  if (!opened_ || gone_ || closing_ || input_ended_) return false;
  // With no waiting requests it always reads, to notice that the peer is gone while a request is parked.
  return frames_.empty() || (frames_.size() < kMaxWaitingFrames && frame_bytes_ < kMaxWaiting_bytes);
}

void Connection::watch_reads() {
  if (read_waits_ != Wait::kNone || !wants_to_read()) return;
  read_waits_ = Wait::kReadable;
  stream_->expect(reader_->missing_bytes());
  watch();
}

// Starts the needed waits, one of each kind.
void Connection::watch() {
  if ((read_waits_ == Wait::kReadable || write_waits_ == Wait::kReadable) && !std::exchange(watches_readable_, true)) {
    stream_->wait_readable(shared_from_this());
  }
  if ((read_waits_ == Wait::kWritable || write_waits_ == Wait::kWritable) && !std::exchange(watches_writable_, true)) {
    stream_->wait_writable(shared_from_this());
  }
}

void Connection::on_readable() {
  watches_readable_ = false;
  wake(Wait::kReadable);
}

void Connection::on_writable() {
  watches_writable_ = false;
  wake(Wait::kWritable);
}

void Connection::wake(Wait ready) {
  if (gone_) return;
  if (write_waits_ == ready) {
    write_waits_ = Wait::kNone;
    set_.touch(*this);
  }
  if (read_waits_ == ready) {
    read_waits_ = Wait::kNone;
    if (opened_) return read_more();
    set_.note_activity(*this, set_.loop().clock().steady_ms());
    open();
  }
}

void Connection::read_more() {
  if (!wants_to_read()) return;
  EventLoop& loop = set_.loop();
  const int64_t now_ns = loop.clock().steady_ns();
  set_.note_activity(*this, now_ns / 1'000'000);
  size_t budget = kReadBudget;
  while (wants_to_read()) {
    iovec parts[2];
    int count = reader_->prepare(parts, loop.scratch(), EventLoop::kScratchBytes);
    size_t offered = parts[0].iov_len + (count == 2 ? parts[1].iov_len : 0);
    IoResult result = stream_->read(std::span<iovec>(parts, count));
    if (result.would_block()) {
      read_waits_ = result.kind == IoResult::kWantsRead ? Wait::kReadable : Wait::kWritable;
      stream_->expect(reader_->missing_bytes());
      return watch();
    }
    if (result.kind == IoResult::kFailed) return fail(result.error);
    if (result.kind == IoResult::kEnd) {
      input_ended_ = true;
      set_.touch(*this);
      return;
    }
    size_t before = frames_.size();
    Status status = reader_->commit(result.bytes, loop.scratch(), frames_);
    for (size_t i = before; i < frames_.size(); i++) {
      frame_bytes_ += frames_[i].bytes.size();
      frames_[i].arrived_ns = now_ns;
    }
    if (!status.ok()) {
      // Complete requests before it are still handled.
      input_ended_ = true;
      input_error_ = status.error().message;
      session_->on_unreadable(input_error_);
      set_.touch(*this);
      return;
    }
    deliver();
    if (result.bytes < offered || result.bytes >= budget) break;
    budget -= result.bytes;
  }
  watch_reads();
}

// A connection that took longer than a slice waits behind the others.
void Connection::deliver() {
  if (delivering_ || postponed_ || gone_ || !may_deliver()) return;
  if (!heavy_) serve();
  if (!heavy_ || !may_deliver()) return;
  postponed_ = true;
  set_.postpone(*this);
}

void Connection::resume() {
  postponed_ = false;
  if (gone_) return;
  serve();
  set_.touch(*this);
}

// Passes requests on, one after the other: after a response within the call the next one follows, without recursion.
void Connection::serve() {
  const Clock& clock = set_.loop().clock();
  int64_t now_ns = clock.steady_ns();
  const int64_t end_ns = now_ns + kSlice_ns;
  delivering_ = true;
  heavy_ = false;
  while (!heavy_ && may_deliver()) {
    busy_ = true;
    paused_until_ms_ = 0;
    broker::Frame frame = std::move(frames_.front());
    frames_.pop_front();
    frame_bytes_ -= frame.bytes.size();
    times_ = {.arrived_ns = frame.arrived_ns, .started_ns = now_ns};
    session_->on_request(std::move(frame));
    times_.handled_ns = now_ns = clock.steady_ns();
    if (!busy_) note_answered(now_ns);
    heavy_ = now_ns >= end_ns;
  }
  delivering_ = false;
}

void Connection::end_turn() {
  if (gone_) return;
  deliver();
  if (write_waits_ == Wait::kNone) flush();
  if (gone_) return;
  if (closing_ && writes_.empty()) return drop(close_reason_.empty() ? End::kQuiet : End::kFault, close_reason_);
  // A peer that closed while its request is parked will not read the response; requests behind it without a response
  // (acks=0) are still processed first.
  if (input_ended_ && frames_.empty() && (busy_ || writes_.empty())) {
    return drop(input_error_.empty() ? End::kPeer : End::kFault, input_error_);
  }
  watch_reads();
}

void Connection::flush() {
  // Requests without a response.
  if (writes_.empty()) return tell_sent(0);
  uint64_t before = writes_.written_bytes();
  WriteQueue::Outcome outcome = writes_.flush(*stream_, kWriteBudget);
  const int64_t now_ns = set_.loop().clock().steady_ns();
  if (writes_.written_bytes() != before) set_.note_activity(*this, now_ns / 1'000'000);
  switch (outcome) {
    case WriteQueue::kEmpty:
      tell_sent(now_ns);
      // A request may have waited for this.
      if (!frames_.empty() && !busy_ && !closing_) set_.touch_next_turn(*this);
      return;
    case WriteQueue::kPaused:
      return set_.touch_next_turn(*this);
    case WriteQueue::kBlocked:
      write_waits_ = writes_.wants_read() ? Wait::kReadable : Wait::kWritable;
      return watch();
    case WriteQueue::kFailed:
      if (!writes_.failure_text().empty()) return drop(End::kFault, writes_.failure_text());
      return fail(writes_.error());
  }
}

// An error of the stream.
void Connection::fail(int error) {
  if (std::string text = stream_->failure_text(); !text.empty()) return drop(End::kFault, text);
  drop(end_of_error(error), std::strerror(error));
}

void Connection::drop(End end, const std::string& reason) {
  if (gone_) return;
  CHECK(!delivering_, "a connection dropped from within its session");
  gone_ = true;
  if (end == End::kFault) {
    log_warn("Closing the connection of {}:{}: {}", info_.peer_host, info_.peer_port, reason);
  } else {
    log_debug("Connection of {}:{} ended{}{}", info_.peer_host, info_.peer_port, reason.empty() ? "" : ": ", reason);
  }
  stream_->close();
  frames_.clear();
  if (session_) session_->on_closed(end == End::kPeer);
  set_.bury(*this);
}

}  // namespace milena::net
