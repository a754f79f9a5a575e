#include "broker/clients/sasl_services.h"

#include <algorithm>

#include "broker/clients/http_get.h"
#include "broker/clients/scram_directory.h"
#include "broker/shard_context.h"
#include "config/config_listeners.h"
#include "security/security_protocol.h"

namespace milena::broker {
Result<std::unique_ptr<SaslServices>> SaslServices::open(const config::Settings& settings, Executor& home,
                                                         FileSystem& files) {
  auto services = std::make_unique<SaslServices>();
  for (auto listeners : {config::broker_listeners(settings), config::controller_listeners(settings)}) {
    RETURN_IF_ERROR(listeners);
    for (const config::ListenerEndpoint& listener : *listeners) {
      auto protocol = security::parse_security_protocol(listener.protocol);
      if (!protocol || !security::uses_sasl(*protocol)) continue;
      RETURN_IF_ERROR(services->add_listener(settings, listener.listener_name, home, files));
    }
  }
  return services;
}

Status SaslServices::add_listener(const config::Settings& settings, ByteView name, Executor& home, FileSystem& files) {
  auto listener = sasl_listener_settings(settings, name, home.random());
  RETURN_IF_ERROR(listener);
  for (const SaslMechanismSettings& mechanism : listener->mechanisms) {
    if (!mechanism.oauth || mechanism.oauth->unsecured) continue;
    TokenKeys::Fetch fetch;
    if (!mechanism.oauth->jwks_url.starts_with("file:")) {
      auto url = parse_http_url(mechanism.oauth->jwks_url);
      if (!url) {
        return make_error(ErrorKind::kInvalid, "sasl.oauthbearer.jwks.endpoint.url={}: {}", mechanism.oauth->jwks_url,
                          url.error().message);
      }
      fetch = [url = url.take(), &clock = home.clock()](const OAuthSettings& oauth, int64_t timeout_ms) {
        return http_get(url, oauth.trust_file, clock, timeout_ms);
      };
    }
    auto keys = std::make_shared<TokenKeys>(mechanism.oauth, home, files, std::move(fetch));
    RETURN_IF_ERROR(keys->start());
    issuers_.push_back({mechanism.oauth, std::move(keys)});
  }
  listeners_.push_back(listener.take());
  return ok_status();
}

const SaslListenerSettings* SaslServices::find(ByteView listener) const {
  auto found = std::find_if(listeners_.begin(), listeners_.end(),
                            [listener](const SaslListenerSettings& each) { return each.listener == listener; });
  return found == listeners_.end() ? nullptr : &*found;
}

security::TokenJudge SaslServices::judge_of(const SaslMechanismSettings& mechanism, const Clock& clock) const {
  if (mechanism.oauth->unsecured) {
    return [oauth = mechanism.oauth, &clock](ByteView token) {
      return security::read_unsecured_jwt(token, *oauth->unsecured, clock.wall_ms());
    };
  }
  auto issuer = std::find_if(issuers_.begin(), issuers_.end(),
                             [&](const Issuer& each) { return each.settings == mechanism.oauth; });
  CHECK(issuer != issuers_.end(), "no keys for the OAUTHBEARER tokens of a listener");
  return [keys = issuer->keys, &clock](ByteView token) { return keys->judge(token, clock); };
}

std::shared_ptr<const security::ScramDirectory> SaslServices::scram_directory_of(ShardContext& shard) const {
  std::lock_guard lock(mutex_);
  auto& directory = scram_directories_[shard.index()];
  if (!directory) directory = make_scram_directory(shard);
  return directory;
}

std::unique_ptr<security::SaslServer> SaslServices::make_server(const SaslMechanismSettings& mechanism,
                                                                ShardContext& shard) const {
  if (mechanism.plain_users) return security::make_plain_server(mechanism.plain_users);
  if (mechanism.scram) {
    return security::make_scram_server(*mechanism.scram, scram_directory_of(shard), shard.executor().random());
  }
  if (mechanism.oauth) return security::make_oauthbearer_server(judge_of(mechanism, shard.executor().clock()));
  CHECK(mechanism.gssapi, "unknown mechanism {}", mechanism.name);
  return mechanism.gssapi->make_server();
}

}  // namespace milena::broker
