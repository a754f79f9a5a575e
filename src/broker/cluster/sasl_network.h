// SaslNetwork: a network, over another one, whose connections authenticate (SASL) before they are used. A session of
// limited time (connections.max.reauth.ms) is renewed before it expires: requests wait until the current ones are
// answered and the connection has authenticated again.
#pragma once

#include <span>

#include "base/executor.h"
#include "broker/cluster/network.h"
#include "security/sasl_client.h"

namespace milena::broker {

class SaslNetwork final : public Network {
 public:
  // The network below and the executors, one a shard, outlive it.
  SaslNetwork(Network& below, std::vector<Executor*> executors, security::SaslCredentials credentials,
              std::string client_id)
      : below_(below),
        executors_(std::move(executors)),
        credentials_(std::make_shared<const security::SaslCredentials>(std::move(credentials))),
        client_id_(std::move(client_id)) {}

  std::unique_ptr<Link> connect(size_t shard, const std::string& host, uint16_t port, LinkWatcher& watcher) override;

 private:
  Network& below_;
  const std::vector<Executor*> executors_;
  const std::shared_ptr<const security::SaslCredentials> credentials_;
  const std::string client_id_;
};

}  // namespace milena::broker
