// SaslServices: the objects that the SASL listeners of a node share: settings, issuers' keys, and the sources of
// credentials. Made at a start; its settings do not change. A server is made on the thread of its shard.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/file.h"
#include "broker/clients/sasl_settings.h"
#include "broker/clients/token_keys.h"
#include "security/sasl_server.h"

namespace milena::broker {

class ShardContext;

class SaslServices {
 public:
  // An error is one line for a person. The executor is that of shard 0.
  static Result<std::unique_ptr<SaslServices>> open(const config::Settings& settings, Executor& home,
                                                    FileSystem& files);

  // Returns null for a listener without SASL.
  const SaslListenerSettings* find(ByteView listener) const;
  std::unique_ptr<security::SaslServer> make_server(const SaslMechanismSettings& mechanism, ShardContext& shard) const;

 private:
  struct Issuer {
    std::shared_ptr<const OAuthSettings> settings;
    std::shared_ptr<TokenKeys> keys;
  };
  Status add_listener(const config::Settings& settings, ByteView name, Executor& home, FileSystem& files);
  std::shared_ptr<const security::ScramDirectory> scram_directory_of(ShardContext& shard) const;
  security::TokenJudge judge_of(const SaslMechanismSettings& mechanism, const Clock& clock) const;

  std::vector<SaslListenerSettings> listeners_;
  std::vector<Issuer> issuers_;
  mutable std::mutex mutex_;
  // Made for a shard when it first needs one.
  mutable std::map<size_t, std::shared_ptr<const security::ScramDirectory>> scram_directories_;
};

}  // namespace milena::broker
