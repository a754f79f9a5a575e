#include "net/tls_engine.h"

#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace milena::net {
namespace {

// Answers to the other side's own records, such as updates of keys, that may wait for the socket.
constexpr size_t kMaxOwed = 16 * 1024;

// A read takes so many bytes more from the socket than its parts have room for: records are larger than their data.
constexpr size_t kBeyond = 512;

// An assignment would keep the memory.
void release(Bytes& bytes) { Bytes().swap(bytes); }

}  // namespace

// The BIO between OpenSSL and the engine.
struct TlsBio {
  static TlsEngine& engine_of(BIO* bio) { return *static_cast<TlsEngine*>(BIO_get_data(bio)); }

  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    if (engine_of(bio).take_encrypted(ByteView(data, static_cast<size_t>(size)))) return size;
    BIO_set_retry_write(bio);
    return -1;
  }

  static int read(BIO* bio, char* data, int size) {
    TlsEngine& engine = engine_of(bio);
    BIO_clear_retry_flags(bio);
    if (engine.taken_ < engine.incoming_.size()) return take_given(engine, data, size);
    if (engine.received_.empty()) {
      const IoResult result = engine.receive(static_cast<size_t>(size));
      if (result.would_block()) BIO_set_retry_read(bio);
      if (result.kind != IoResult::kMoved) return result.kind == IoResult::kEnd ? 0 : -1;
    }
    const size_t count = engine.received_.copy(data, static_cast<size_t>(size));
    engine.received_.remove_prefix(count);
    return static_cast<int>(count);
  }

  static int take_given(TlsEngine& engine, char* data, int size) {
    const size_t count = std::min(static_cast<size_t>(size), engine.incoming_.size() - engine.taken_);
    std::memcpy(data, engine.incoming_.data() + engine.taken_, count);
    engine.taken_ += count;
    if (engine.taken_ == engine.incoming_.size()) {
      release(engine.incoming_);
      engine.taken_ = 0;
    }
    return static_cast<int>(count);
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    return command == BIO_CTRL_EOF && engine_of(bio).ended_ ? 1 : 0;
  }

  static BIO_METHOD* make_method() {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "milena");
    BIO_meth_set_write(method, write);
    BIO_meth_set_read(method, read);
    BIO_meth_set_ctrl(method, control);
    return method;
  }

  static BIO* make(TlsEngine& engine) {
    static BIO_METHOD* const method = make_method();
    BIO* bio = BIO_new(method);
    if (bio == nullptr) return nullptr;
    BIO_set_data(bio, &engine);
    BIO_set_init(bio, 1);
    return bio;
  }
};

namespace {

// OpenSSL's error, with advice where it says little.
std::string describe_handshake_failure(SSL* ssl) {
  const long verified = SSL_get_verify_result(ssl);
  std::string reason = security::take_openssl_error();
  if (reason == "certificate verify failed") return reason + ": " + X509_verify_cert_error_string(verified);
  if (reason == "wrong version number" || reason == "http request" || reason == "unexpected message" ||
      reason == "packet length too long" || reason == "record layer failure") {
    return reason + "; the other side may not use TLS";
  }
  return reason;
}

}  // namespace

bool TlsEngine::start() {
  context_ = contexts_->current();
  ssl_.reset(SSL_new(context_->handle()));
  BIO* bio = ssl_ ? TlsBio::make(*this) : nullptr;
  if (bio == nullptr) return false;
  SSL_set_bio(ssl_.get(), bio, bio);
  if (!server_host_.empty()) return context_->expect_server(ssl_.get(), server_host_);
  SSL_set_accept_state(ssl_.get());
  return true;
}

void TlsEngine::fail(std::string why) {
  state_ = State::kFailed;
  failure_ = std::move(why);
  ERR_clear_error();
}

void TlsEngine::step() {
  if (!ssl_ && !start()) return fail("no memory for a TLS connection");
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) {
    if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) fail(describe_handshake_failure(ssl_.get()));
    return;
  }
  Result<security::TlsPeer> peer = context_->peer_of(ssl_.get());
  if (!peer.ok()) return fail(peer.error().message);
  peer_ = std::make_shared<const security::TlsPeer>(peer.take());
  state_ = State::kOpen;
}

// The result of an OpenSSL call that moved nothing.
IoResult TlsEngine::outcome(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return {IoResult::kWantsRead};
    case SSL_ERROR_WANT_WRITE: return {IoResult::kWantsWrite};
    case SSL_ERROR_ZERO_RETURN: return {IoResult::kEnd};
    case SSL_ERROR_SYSCALL:
      state_ = State::kFailed;
      ERR_clear_error();
      return socket_error_ == 0 ? IoResult{IoResult::kEnd} : IoResult{IoResult::kFailed, 0, socket_error_};
    default: fail(security::take_openssl_error()); return {IoResult::kFailed, 0, 0};
  }
}

IoResult TlsEngine::read(std::span<iovec> parts, size_t budget, std::span<char> buffer) {
  budget_ = budget;
  budget_used_ = false;
  drained_ = false;
  has_more_ = true;
  if (last_.kind != IoResult::kMoved) return last_;
  ahead_ = buffer;
  const size_t owed = owed_;
  const IoResult result = decrypt(parts);
  // Usually nothing: the socket is not asked for more than the parts have room for.
  incoming_ += received_;
  received_ = {};
  ahead_ = {};
  // If the socket does not take the answers now, they go before the next write.
  if (owed_ != owed) (void)send(false);
  return result;
}

// Gets bytes from the socket for OpenSSL, which asks for `least` now and for more when it has those.
IoResult TlsEngine::receive(size_t least) {
  if (socket_ == nullptr || ahead_.empty() || drained_) return {IoResult::kWantsRead};
  if (budget_ == 0) {
    budget_used_ = true;
    return {IoResult::kWantsRead};
  }
  iovec part{ahead_.data(), std::min({std::max(least, wanted_ + kBeyond), budget_, ahead_.size()})};
  const IoResult result = socket_->read(std::span<iovec>(&part, 1));
  if (result.kind == IoResult::kMoved) {
    received_ = ByteView(ahead_.data(), result.bytes);
    budget_ -= result.bytes;
    drained_ = result.bytes < part.iov_len;
  }
  if (result.kind == IoResult::kEnd) ended_ = true;
  if (result.kind == IoResult::kFailed) socket_error_ = result.error;
  return result;
}

// OpenSSL keeps its own buffer from one record to the next, and loses it at the end if no record has come in part.
IoResult TlsEngine::decrypt(std::span<iovec> parts) {
  SSL_clear_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
  const IoResult result = decrypt_records(parts);
  SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_free_buffers(ssl_.get());
  return result;
}

IoResult TlsEngine::decrypt_records(std::span<iovec> parts) {
  size_t total = 0;
  wanted_ = 0;
  for (const iovec& part : parts) wanted_ += part.iov_len;
  ERR_clear_error();
  for (iovec& part : parts) {
    size_t filled = 0;
    while (filled < part.iov_len) {
      size_t count = 0;
      char* to = static_cast<char*>(part.iov_base) + filled;
      const int result = SSL_read_ex(ssl_.get(), to, part.iov_len - filled, &count);
      if (result == 1) {
        filled += count;
        total += count;
        wanted_ -= count;
        continue;
      }
      const IoResult stopped = outcome(result);
      has_more_ = budget_used_ || !stopped.would_block();
      // The end, or a failure, is reported after the bytes before it.
      if (!stopped.would_block()) last_ = stopped;
      return total == 0 ? stopped : IoResult{IoResult::kMoved, total};
    }
  }
  return {IoResult::kMoved, total};
}

// Takes a record, or a part of one. Only an answer is refused, if the socket does not take earlier ones: a write looks
// for room before it encrypts.
bool TlsEngine::take_encrypted(ByteView bytes) {
  if (socket_ != nullptr && buffer_.empty()) {
    if (owed_ >= kMaxOwed && send(false).kind != IoResult::kMoved) return false;
    owed_ += bytes.size();
  }
  if (outgoing_.empty() && bytes.size() <= buffer_.size() - filled_) {
    std::memcpy(buffer_.data() + filled_, bytes.data(), bytes.size());
    filled_ += bytes.size();
  } else {
    outgoing_ += bytes;
  }
  return true;
}

// Bytes that fit into the buffer when they are encrypted.
size_t TlsEngine::room() const {
  if (!outgoing_.empty()) return 0;
  return (buffer_.size() - filled_) / SSL3_RT_MAX_PACKET_SIZE * SSL3_RT_MAX_PLAIN_LENGTH;
}

IoResult TlsEngine::encrypt(ByteView bytes) {
  while (!bytes.empty()) {
    size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    if (result != 1) return outcome(result);
    bytes.remove_prefix(count);
    unsent_ += count;
  }
  return {IoResult::kMoved};
}

// Fills the buffer. Stops early where the source or OpenSSL does; what is encrypted by then is sent first.
IoResult TlsEngine::encrypt_some(TlsSource& source, uint64_t from, uint64_t size) {
  while (from + unsent_ < size && room() > 0) {
    ByteView bytes;
    const size_t most = std::min<uint64_t>(size - from - unsent_, room());
    IoResult result = source.get(from + unsent_, most, bytes);
    if (result.kind == IoResult::kMoved) result = encrypt(bytes);
    if (result.kind != IoResult::kMoved && unsent_ == 0) return result;
    if (result.kind != IoResult::kMoved) break;
  }
  return {IoResult::kMoved};
}

// kMoved: the socket has all that is encrypted, and so many bytes of a write with it.
IoResult TlsEngine::send(bool more) {
  if (filled_ + outgoing_.size() > 0) {
    const iovec parts[] = {{buffer_.data(), filled_}, {outgoing_.data(), outgoing_.size()}};
    const IoResult result = socket_->write(parts, more);
    if (result.kind == IoResult::kFailed) {
      state_ = State::kFailed;
      socket_error_ = result.error;
      return result;
    }
    keep_behind(result.bytes);
    // A socket that took a part is full.
    if (!outgoing_.empty()) return {IoResult::kWantsWrite};
  }
  owed_ = 0;
  return {IoResult::kMoved, std::exchange(unsent_, 0)};
}

// Moves what is behind the sent bytes to outgoing_.
void TlsEngine::keep_behind(size_t sent) {
  const size_t of_buffer = std::min(sent, filled_);
  outgoing_.erase(0, sent - of_buffer);
  if (of_buffer < filled_) outgoing_.insert(0, buffer_.data() + of_buffer, filled_ - of_buffer);
  filled_ = 0;
  if (outgoing_.empty()) release(outgoing_);
}

IoResult TlsEngine::write(TlsSource& source, uint64_t size, bool more, std::span<char> buffer) {
  if (state_ == State::kFailed) return {IoResult::kFailed, 0, socket_error_};
  ERR_clear_error();
  buffer_ = buffer;
  uint64_t total = 0;
  IoResult result = send(more || unsent_ < size);
  while (result.kind == IoResult::kMoved) {
    total += result.bytes;
    if (total >= size) break;
    result = encrypt_some(source, total, size);
    if (result.kind == IoResult::kMoved) result = send(more || total + unsent_ < size);
  }
  keep_behind(0);
  buffer_ = {};
  return total == 0 ? result : IoResult{IoResult::kMoved, total};
}

void TlsEngine::say_goodbye() {
  if (state_ != State::kOpen || socket_ == nullptr) return;
  SSL_shutdown(ssl_.get());
  (void)send(false);
  ERR_clear_error();
}

}  // namespace milena::net
