// OutgoingNetwork: the connections that this node opens to others, over sockets (broker/cluster/network.h), with TLS or
// without. Names are resolved on a worker; the addresses of a name are tried one after the other.
#pragma once

#include <optional>

#include "broker/cluster/network.h"
#include "net/loop_group.h"
#include "net/tls_protocol.h"

namespace milena::net {

class OutgoingNetwork final : public broker::Network {
 public:
  // The loops must outlive it. With contexts (of TlsRole::kClient) it uses TLS.
  explicit OutgoingNetwork(LoopGroup& loops, std::shared_ptr<TlsContexts> tls = nullptr)
      : loops_(loops), tls_(std::move(tls)) {}

  // If it uses TLS and the settings differ: new connections use them. On the thread of shard 0.
  void take_stores(const security::TlsSettings& wanted);

  std::unique_ptr<broker::Link> connect(size_t shard, const std::string& host, uint16_t port,
                                        broker::LinkWatcher& watcher) override;

 private:
  LoopGroup& loops_;
  const std::shared_ptr<TlsContexts> tls_;
  std::optional<security::TlsSettings> taken_;
};

}  // namespace milena::net
