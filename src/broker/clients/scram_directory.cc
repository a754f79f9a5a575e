#include "broker/clients/scram_directory.h"

#include "broker/shard.h"

namespace milena {
namespace {

ScramCredential credential_of(const UserScramCredentialRecord& record) {
  return {record.salt, record.stored_key, record.server_key, record.iterations};
}

}  // namespace

std::shared_ptr<const ScramDirectory> scram_directory_of(Shard& shard) {
  auto directory = std::make_shared<ScramDirectory>();
  // It is told to nobody who has not authenticated, and stays as long as the directory.
  directory->decoy_key = shard.node().directory_id.to_string() + shard.node().cluster_id;
  directory->find_user = [&shard](ScramMechanism mechanism, ByteView user) -> std::optional<ScramCredential> {
    const auto& all = shard.image().scram_credentials();
    auto found = all.find({static_cast<int8_t>(mechanism), Bytes(user)});
    if (found == all.end()) return std::nullopt;
    return credential_of(found->second);
  };
  directory->find_any = [&shard](ScramMechanism mechanism) -> std::optional<ScramCredential> {
    const auto& all = shard.image().scram_credentials();
    auto first = all.lower_bound({static_cast<int8_t>(mechanism), Bytes()});
    if (first == all.end() || first->first.first != static_cast<int8_t>(mechanism)) return std::nullopt;
    return credential_of(first->second);
  };
  directory->find_token = [](ScramMechanism, ByteView) { return std::optional<ScramDirectory::Token>(); };
  return directory;
}

}  // namespace milena
