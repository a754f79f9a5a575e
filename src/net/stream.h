// Stream: one connected socket, non-blocking. The interface for TLS: its users read and write bytes and wait for
// readiness, without knowing about encryption. Lives on one loop.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/executor.h"

namespace milena::security {
struct TlsPeer;
}  // namespace milena::security

namespace milena::net {

class EventLoop;

struct IoResult {
  // If nothing moves until the socket is ready, the result says for what to wait. A plain socket's read waits for
  // readable and its write for writable; TLS may need the opposite, during renegotiation. kWorks, only for a handshake:
  // a step of it is being computed.
  enum Kind { kMoved, kWantsRead, kWantsWrite, kEnd, kFailed, kWorks };
  Kind kind = kMoved;
  size_t bytes = 0;  // kMoved
  int error = 0;     // kFailed: errno; 0 if failure_text() has the reason

  bool would_block() const { return kind == kWantsRead || kind == kWantsWrite; }
};

// Waits for a stream. Kept alive by the wait; not called after the stream was closed.
class StreamWatcher {
 public:
  virtual ~StreamWatcher() = default;
  virtual void on_readable() = 0;
  virtual void on_writable() = 0;
};

class Stream {
 public:
  virtual ~Stream() = default;

  // Continues the handshake (TLS) before the first bytes. kMoved: it is done. kWorks: `resume` runs on the loop when
  // the step is computed, unless the stream is gone by then.
  virtual IoResult handshake(Task /*resume*/) { return {IoResult::kMoved}; }
  // After the handshake; null without TLS.
  virtual std::shared_ptr<const security::TlsPeer> peer() const { return nullptr; }
  // The reason for kFailed, if there is no errno.
  virtual std::string failure_text() const { return {}; }

  virtual IoResult read(std::span<iovec> parts) = 0;
  // `more`: more bytes follow at once, so the system need not send a small packet now.
  virtual IoResult write(std::span<const iovec> parts, bool more) = 0;
  // Sends file bytes without a copy; kFailed with EINVAL if that is not possible (then read and write).
  virtual IoResult send_file(int descriptor, uint64_t position, uint64_t size) = 0;
  // Between on and off the system only sends full packets.
  virtual void set_cork(bool on) = 0;

  // A hint: the reader needs so many more bytes, so the next waits need not end with each of them. They still end with
  // some, at the end, and with an error.
  virtual void expect(size_t /*bytes*/) {}
  // Calls the watcher once. At most one wait of each kind at a time.
  virtual void wait_readable(std::shared_ptr<StreamWatcher> watcher) = 0;
  virtual void wait_writable(std::shared_ptr<StreamWatcher> watcher) = 0;
  virtual void close() = 0;
};

// Takes ownership of the descriptor.
std::unique_ptr<Stream> make_plain_stream(EventLoop& loop, int descriptor);

}  // namespace milena::net
