// Network: how a node opens connections to other nodes. net/ implements it over sockets; a simulator of several nodes
// in one process gives each of them its own.
//
// A Link and its watcher belong to one shard and are used on its thread alone. The watcher is never called within a
// call of connect() or send(), and never after its Link is destroyed, which closes the connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/payload.h"
#include "broker/clients/session.h"

namespace milena::broker {

class LinkWatcher {
 public:
  virtual ~LinkWatcher() = default;
  virtual void on_connected() = 0;
  // One whole answer, without its size.
  virtual void on_frame(Frame frame) = 0;
  // The connection could not be made, or is lost. Called once; no other call follows. May destroy the Link.
  virtual void on_lost(const std::string& why) = 0;
  // The same, instead of on_connected(): one side did not accept the identity of the other.
  virtual void on_refused(const std::string& why) { on_lost(why); }
};

class Link {
 public:
  virtual ~Link() = default;
  // Sends one whole request with its size. Only after on_connected().
  virtual void send(Payload request) = 0;
};

class Network {
 public:
  virtual ~Network() = default;
  // On the thread of that shard.
  virtual std::unique_ptr<Link> connect(size_t shard, const std::string& host, uint16_t port,
                                        LinkWatcher& watcher) = 0;
};

// A host and a port as in settings and metadata.
struct NodeAddress {
  std::string host;
  uint16_t port = 0;
  bool operator==(const NodeAddress&) const = default;
  std::string to_string() const { return host + ":" + std::to_string(port); }
};

}  // namespace milena::broker
