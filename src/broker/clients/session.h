// The interface between the sockets (net/) and the node (broker/): whole frames in, whole answers out.
//
// Each connection has one Session and one Transport. Both live on the connection's shard and are only touched on its
// thread. As in Kafka, a connection's request n+1 is handed over only after request n is answered. So answers keep the
// order of the requests, and pipelined Produce requests reach the log in order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/payload.h"
#include "security/security_protocol.h"
#include "security/tls_peer.h"

namespace milena::config {
class Settings;
}  // namespace milena::config

namespace milena::broker {

// The properties of a connection before its first request. Addresses are numeric, without brackets or zone.
struct ConnectionInfo {
  uint64_t id = 0;
  std::string peer_host;
  uint16_t peer_port = 0;
  // The address that the client connected to; advertised.listeners=auto answers it.
  std::string local_host;
  uint16_t local_port = 0;
  std::string listener_name;  // "PLAINTEXT"
  security::SecurityProtocol security_protocol = security::SecurityProtocol::kPlaintext;  // the listener's
  std::shared_ptr<const security::TlsPeer> tls;                                           // null without TLS
  // A connection of this process itself, without a socket: it may do everything. Never set by net/.
  bool in_process = false;
};

// One request without its size prefix. The views of the decoded request point into the buffer, so a holder of views
// keeps the frame.
struct Frame {
  std::shared_ptr<char[]> buffer;
  ByteView bytes;
  int64_t arrived_ns = 0;  // by the steady clock; set by its reader
};

// The times of a request's steps, by the steady clock.
struct RequestTimes {
  int64_t arrived_ns = 0;
  int64_t started_ns = 0;   // the Session got it
  int64_t handled_ns = 0;   // the Session returned
  int64_t answered_ns = 0;  // the answer was sent, or later
};

// The sending side of a connection; net/ implements it.
class Transport {
 public:
  virtual ~Transport() = default;
  // Sends one whole answer with its size prefix. The request is then answered: the next buffered frame may follow.
  virtual void send(Payload answer) = 0;
  // The request gets no answer (Produce with acks=0): the next buffered frame may follow.
  virtual void send_nothing() = 0;
  // Hands over no further request for that time: the client is over its quota. Works even if the client ignores it.
  virtual void pause(int64_t ms) = 0;
  // The client has authenticated on a SASL listener: the limits for unauthenticated clients no longer apply.
  virtual void authenticated() {}
  // Sends a part of a longer answer. The request is answered by send(), with the last part. The sender bounds the size.
  virtual void send_part(Payload /*part*/) {}
  virtual uint64_t unsent_bytes() const { return 0; }
  // Closes the connection after everything sent is out. The reason is logged in one line; no reason means no error.
  virtual void close(std::string reason) = 0;
};

// The receiving side; broker/ implements it.
class Session {
 public:
  virtual ~Session() = default;
  // A request. Not called again before send() or send_nothing() was called on the Transport, within this call or later.
  virtual void on_request(Frame frame) = 0;
  // These answers were passed to the system at `sent_ns`. Called for all requests, in order, several at a time.
  virtual void on_sent(std::span<const RequestTimes> /*requests*/, int64_t /*sent_ns*/) {}
  // The bytes received are no request: the connection is about to be closed for that reason.
  virtual void on_unreadable(const std::string& /*reason*/) {}
  // The connection is gone: nothing may be sent any more. The Session is destroyed soon after. `by_peer`: the client's
  // side closed or reset it.
  virtual void on_closed(bool by_peer) = 0;
};

class SessionFactory {
 public:
  virtual ~SessionFactory() = default;
  // On the thread of shard 0. `changed` runs there with the current settings, at once and at each change. Null
  // unregisters it.
  virtual void watch_settings(std::function<void(const config::Settings&)> /*changed*/) {}
  // Called on the thread of shard `shard`. The Transport outlives the Session.
  virtual std::unique_ptr<Session> open(int shard, ConnectionInfo info, Transport& transport) = 0;
  // On the thread of shard 0, before a connection is accepted. Not 0: its address opens connections too fast, and this
  // one is held for that long and then closed.
  virtual int64_t connection_refusal_ms(const std::string& /*peer_host*/) { return 0; }
  // On the thread of shard `shard`. The client has no Session, because its handshake failed.
  virtual void on_failed_handshake(int /*shard*/, const ConnectionInfo& /*info*/, const std::string& /*reason*/) {}
};

}  // namespace milena::broker
