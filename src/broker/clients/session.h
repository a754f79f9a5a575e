// The border between the sockets (net/) and the node (broker/): whole frames in, whole answers out.
//
// One Session and one Transport belong to each connection; both live on the connection's shard and are only touched
// on its thread. As Kafka does, a connection's request n+1 is handed over only after request n is answered, so
// answers keep the order of the requests and pipelined Produce requests reach the log in order.
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

// What is known about a connection before its first request. Addresses are numeric, without brackets or zone.
struct ConnectionInfo {
  uint64_t id = 0;
  std::string peer_host;
  uint16_t peer_port = 0;
  // The address the client's own connection came to: what advertised.listeners=auto answers.
  std::string local_host;
  uint16_t local_port = 0;
  std::string listener_name;  // "PLAINTEXT"
  security::SecurityProtocol security_protocol = security::SecurityProtocol::kPlaintext;  // the listener's
  std::shared_ptr<const security::TlsPeer> tls;                                           // null without TLS
  // Of this process itself, without a socket: it may do everything. Never set by net/.
  bool in_process = false;
};

// One request without its size prefix. The views of the decoded request point into the buffer, so whoever keeps them
// keeps the frame.
struct Frame {
  std::shared_ptr<char[]> buffer;
  ByteView bytes;
  int64_t arrived_ns = 0;  // by the steady clock; set by who read it
};

// What became of a request when, by the steady clock.
struct RequestTimes {
  int64_t arrived_ns = 0;
  int64_t started_ns = 0;   // the Session got it
  int64_t handled_ns = 0;   // the Session returned
  int64_t answered_ns = 0;  // not before that
};

// The sending side of a connection; net/ implements it.
class Transport {
 public:
  virtual ~Transport() = default;
  // One whole answer with its size prefix. Marks the request as answered: the next buffered frame may follow.
  virtual void send(Payload answer) = 0;
  // The request wants no answer (Produce with acks=0): the next buffered frame may follow.
  virtual void send_nothing() = 0;
  // Hands no further request over for so long: the client is over its quota, and need not know or care.
  virtual void pause(int64_t ms) = 0;
  // The client has shown who it is, on a listener that asks for SASL: the bounds for strangers end for it.
  virtual void authenticated() {}
  // A part of an answer that goes on: the request is answered by send(), with the last part. Bounded by who sends.
  virtual void send_part(Payload /*part*/) {}
  virtual uint64_t unsent_bytes() const { return 0; }
  // Closes after what was sent is out. The reason goes into the log, one line; without one nothing is wrong.
  virtual void close(std::string reason) = 0;
};

// The receiving side; broker/ implements it.
class Session {
 public:
  virtual ~Session() = default;
  // A request. Not called again before the Transport was told send() or send_nothing(); either may come within the
  // call or later.
  virtual void on_request(Frame frame) = 0;
  // What was answered is with the system since then. Of all requests, in their order, several at a time.
  virtual void on_sent(std::span<const RequestTimes> /*requests*/, int64_t /*sent_ns*/) {}
  // What came is no request: the connection is about to be closed for that reason.
  virtual void on_unreadable(const std::string& /*reason*/) {}
  // The connection is gone: nothing may be sent any more. The Session is destroyed soon after. `by_peer` tells whether
  // the client's side closed or reset it, or we did.
  virtual void on_closed(bool by_peer) = 0;
};

class SessionFactory {
 public:
  virtual ~SessionFactory() = default;
  // On the thread of shard 0: `changed` runs there, with the settings that count now and whenever they were altered.
  // Null: no more.
  virtual void watch_settings(std::function<void(const config::Settings&)> /*changed*/) {}
  // Called on the thread of shard `shard`. The Transport outlives the Session.
  virtual std::unique_ptr<Session> open(int shard, ConnectionInfo info, Transport& transport) = 0;
  // Asked on the thread of shard 0 before a connection is taken. Not 0: its address opens them faster than it may, and
  // this one is held for so long and then closed.
  virtual int64_t connection_refusal_ms(const std::string& /*peer_host*/) { return 0; }
  // On the thread of shard `shard`: a client that has no Session, because its handshake failed.
  virtual void on_failed_handshake(int /*shard*/, const ConnectionInfo& /*info*/, const std::string& /*reason*/) {}
};

}  // namespace milena::broker
