#include "broker/clients/scram_directory.h"

#include <map>

#include "broker/shard_context.h"
#include "metadata/delegation_tokens.h"
#include "security/base64.h"

namespace milena::broker {
namespace {

// Deriving a token's credentials takes milliseconds, so they are kept.
constexpr size_t kMaxTokensKept = 1000;

security::ScramCredential credential_of(const UserScramCredentialRecord& record) {
  return {record.salt, record.stored_key, record.server_key, record.iterations};
}

// Delegation tokens as credentials: the id is the name, the key in base64 the password.
class TokenCredentials {
 public:
  explicit TokenCredentials(ShardContext& shard) : shard_(shard) {}

  std::optional<security::ScramDirectory::Token> find(security::ScramMechanism mechanism, ByteView token_id) {
    const auto& tokens = shard_.image().delegation_tokens();
    auto token = tokens.find(Bytes(token_id));
    const metadata::DelegationTokenSettings settings = metadata::DelegationTokenSettings::from(shard_.settings());
    if (token == tokens.end() || !settings.enabled() || metadata::has_expired(token->second, shard_.now_ms())) {
      return std::nullopt;
    }
    const metadata::TokenPrincipal owner = metadata::TokenPrincipal::parse(token->second.owner);
    security::SaslIdentity identity{{owner.type, owner.name, true}, token->second.expiration_timestamp};
    return security::ScramDirectory::Token{credential(mechanism, token->first, settings), std::move(identity)};
  }

 private:
  const security::ScramCredential& credential(security::ScramMechanism mechanism, const Bytes& id,
                                              const metadata::DelegationTokenSettings& settings) {
    if (kept_.size() >= kMaxTokensKept) kept_.clear();
    auto [found, is_new] = kept_.try_emplace({mechanism, id});
    if (is_new) {
      const Bytes password = security::base64_encode(metadata::delegation_token_hmac(settings.secret, id));
      const Bytes salt = security::random_scram_text(shard_.executor().random());
      found->second = security::scram_credential(
          mechanism, security::salted_password(mechanism, password, salt, security::kMinScramIterations), salt,
          security::kMinScramIterations);
    }
    return found->second;
  }

  ShardContext& shard_;
  std::map<std::pair<security::ScramMechanism, Bytes>, security::ScramCredential> kept_;
};

}  // namespace

std::shared_ptr<const security::ScramDirectory> make_scram_directory(ShardContext& shard) {
  auto directory = std::make_shared<security::ScramDirectory>();
  // No unauthenticated client can know it, and it lasts as long as the log directory.
  directory->decoy_key = shard.node().directory_id.to_string() + shard.node().cluster_id;
  directory->find_user = [&shard](security::ScramMechanism mechanism,
                                  ByteView user) -> std::optional<security::ScramCredential> {
    const auto& all = shard.image().scram_credentials();
    auto found = all.find({static_cast<int8_t>(mechanism), Bytes(user)});
    if (found == all.end()) return std::nullopt;
    return credential_of(found->second);
  };
  directory->find_any = [&shard](security::ScramMechanism mechanism) -> std::optional<security::ScramCredential> {
    const auto& all = shard.image().scram_credentials();
    auto first = all.lower_bound({static_cast<int8_t>(mechanism), Bytes()});
    if (first == all.end() || first->first.first != static_cast<int8_t>(mechanism)) return std::nullopt;
    return credential_of(first->second);
  };
  directory->find_token = [tokens = std::make_shared<TokenCredentials>(shard)](
                              security::ScramMechanism mechanism, ByteView id) { return tokens->find(mechanism, id); };
  return directory;
}

}  // namespace milena::broker
