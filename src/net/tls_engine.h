// TlsEngine: one connection's TLS state, and the bytes between it and the socket. During the handshake it gets the
// received bytes and returns those to send, so that a step can run on any thread, one at a time; afterwards it reads
// and writes the socket itself, several records with one system call. Their buffer is the caller's, lent for a call, so
// that an idle connection has none.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "net/stream.h"
#include "security/tls_context.h"

namespace milena::net {

// Returns the current context; called on threads that may block.
class TlsContextSource {
 public:
  virtual ~TlsContextSource() = default;
  virtual std::shared_ptr<const security::TlsContext> current() = 0;
};

// The bytes of a write.
class TlsSource {
 public:
  virtual ~TlsSource() = default;
  // kMoved: `bytes` are those at the offset, at least one and at most so many. They are used before the next call.
  virtual IoResult get(uint64_t offset, size_t most, ByteView& bytes) = 0;
};

class TlsEngine {
 public:
  // A good size of the lent buffer: eight records.
  static constexpr size_t kBufferBytes = 8 * SSL3_RT_MAX_PACKET_SIZE;

  enum class State { kHandshake, kOpen, kFailed };

  // With a server's host it is a client; else a server. The contexts are of that role.
  explicit TlsEngine(std::shared_ptr<TlsContextSource> contexts, std::string server_host = {})
      : contexts_(std::move(contexts)), server_host_(std::move(server_host)) {}

  State state() const { return state_; }
  // Whether it must begin the handshake, as a client.
  bool has_to_begin() const { return !server_host_.empty() && !ssl_; }
  const std::string& failure_text() const { return failure_; }
  const std::shared_ptr<const security::TlsPeer>& peer() const { return peer_; }

  // The handshake, without the socket: bytes in, a step, bytes out.
  void give(ByteView bytes) { incoming_ += bytes; }
  void step();
  Bytes& outgoing() { return outgoing_; }

  // From here on reads and writes use the socket, which must outlive the engine's use.
  void attach(Stream& socket) { socket_ = &socket; }
  // Reads at most `budget` bytes of the socket, through the buffer. After kMoved more may be readable without the
  // socket being ready: see has_more().
  IoResult read(std::span<iovec> parts, size_t budget, std::span<char> buffer);
  bool has_more() const { return has_more_; }
  // Bytes have moved when the socket has all of their records. After a block, write those again that have not moved,
  // and possibly more: some of them are encrypted already, and the source is not asked for them again. The records that
  // the socket does not take are kept here, at most a buffer.
  IoResult write(TlsSource& source, uint64_t size, bool more, std::span<char> buffer);
  // Sends a close notification.
  void say_goodbye();

 private:
  friend struct TlsBio;

  bool start();
  IoResult outcome(int result);
  void fail(std::string why);
  bool take_encrypted(ByteView bytes);
  size_t room() const;
  IoResult encrypt(ByteView bytes);
  IoResult encrypt_some(TlsSource& source, uint64_t from, uint64_t size);
  IoResult decrypt(std::span<iovec> parts);
  IoResult decrypt_records(std::span<iovec> parts);
  IoResult receive(size_t least);
  IoResult send(bool more);
  void keep_behind(size_t sent);

  const std::shared_ptr<TlsContextSource> contexts_;
  const std::string server_host_;
  std::shared_ptr<const security::TlsContext> context_;
  security::OpensslConnection ssl_;
  State state_ = State::kHandshake;
  std::string failure_;
  std::shared_ptr<const security::TlsPeer> peer_;

  Bytes incoming_;         // received bytes that OpenSSL has not taken
  size_t taken_ = 0;       // of incoming_
  std::span<char> ahead_;  // in a read: its buffer
  ByteView received_;      // of ahead_, behind incoming_
  size_t wanted_ = 0;      // bytes that a read has room for
  bool drained_ = false;   // a read has emptied the socket
  std::span<char> buffer_;  // in a write: for its records
  size_t filled_ = 0;       // of buffer_
  Bytes outgoing_;          // other encrypted bytes, behind those in buffer_
  size_t unsent_ = 0;       // bytes of a write that are encrypted and have not moved
  size_t owed_ = 0;         // bytes of outgoing_ that answer the other side's own records
  Stream* socket_ = nullptr;
  size_t budget_ = 0;         // of bytes that may be read from the socket
  bool budget_used_ = false;  // the last read ended because it was used up
  bool ended_ = false;        // the socket's input has ended
  int socket_error_ = 0;
  bool has_more_ = true;
  IoResult last_ = {IoResult::kMoved};  // pending result of a read
};

}  // namespace milena::net
