// The controller's AlterUserScramCredentials (KIP-554): credentials are kept as records, whether or not a listener asks
// for them. The client sends the salted password; what is kept are the two keys that the exchange needs (RFC 5802), from
// which the password does not follow. Source: Kafka's ScramControlManager.
#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "base/sha2.h"
#include "metadata/controller.h"

namespace milena {
namespace {

// ScramMechanism.
constexpr int8_t kScramSha256 = 1, kScramSha512 = 2;
constexpr int32_t kLeastIterations = 4096, kMostIterations = 16384;

using AlteredUser = AlterUserScramCredentialsResponse::AlterUserScramCredentialsResult;
using Upsertion = AlterUserScramCredentialsRequest::ScramCredentialUpsertion;

struct ScramRefusal {
  ErrorCode code;
  Bytes message;
};

std::optional<ScramRefusal> refuse_user_and_mechanism(ByteView user, int8_t mechanism) {
  if (user.empty()) return ScramRefusal{ErrorCode::kUnacceptableCredential, "The user's name must not be empty"};
  if (mechanism != kScramSha256 && mechanism != kScramSha512) {
    return ScramRefusal{ErrorCode::kUnsupportedSaslMechanism,
                        fmt::format("There is no SCRAM mechanism {}", mechanism)};
  }
  return std::nullopt;
}

std::optional<ScramRefusal> refuse_upsertion(const Upsertion& wanted) {
  if (auto refusal = refuse_user_and_mechanism(wanted.name, wanted.mechanism)) return refusal;
  if (wanted.iterations < kLeastIterations || wanted.iterations > kMostIterations) {
    return ScramRefusal{ErrorCode::kUnacceptableCredential,
                        fmt::format("{} iterations: {} to {} are accepted", wanted.iterations, kLeastIterations,
                                    kMostIterations)};
  }
  // The code is Kafka's, which cannot make a key of nothing.
  if (wanted.salted_password.empty())
    return ScramRefusal{ErrorCode::kUnknownServerError, "The salted password must not be empty"};
  return std::nullopt;
}

UserScramCredentialRecord credential(const Upsertion& wanted) {
  const Sha2 hash = wanted.mechanism == kScramSha256 ? Sha2::k256 : Sha2::k512;
  UserScramCredentialRecord record;
  record.name = wanted.name;
  record.mechanism = wanted.mechanism;
  record.salt = Bytes(wanted.salt);
  record.iterations = wanted.iterations;
  record.stored_key = sha2_digest(hash, sha2_hmac(hash, wanted.salted_password, "Client Key"));
  record.server_key = sha2_hmac(hash, wanted.salted_password, "Server Key");
  return record;
}

// Whose credentials are named more than once, as changed or as deleted, whatever the mechanism.
std::set<ByteView> repeated_users(const AlterUserScramCredentialsRequest& request) {
  std::set<ByteView> seen, repeated;
  for (const auto& one : request.upsertions) {
    if (!seen.insert(one.name).second) repeated.insert(one.name);
  }
  for (const auto& one : request.deletions) {
    if (!seen.insert(one.name).second) repeated.insert(one.name);
  }
  return repeated;
}

}  // namespace

ControllerEffects<AlterUserScramCredentialsResponse> Controller::alter_user_scram_credentials(
    const AlterUserScramCredentialsRequest& request) const {
  ControllerEffects<AlterUserScramCredentialsResponse> effects;
  auto& results = effects.response.results;
  const auto answer = [&results](ByteView user, std::optional<ScramRefusal> refusal) {
    AlteredUser& result = results.emplace_back();
    result.user = user;
    result.error_message.reset();
    if (!refusal) return;
    result.error_code = refusal->code;
    result.error_message = std::move(refusal->message);
  };
  const std::set<ByteView> repeated = repeated_users(request);
  for (const Upsertion& wanted : request.upsertions) {
    if (repeated.contains(wanted.name)) continue;
    std::optional<ScramRefusal> refusal = refuse_upsertion(wanted);
    if (!refusal) effects.records.emplace_back(credential(wanted));
    answer(wanted.name, std::move(refusal));
  }
  for (const auto& wanted : request.deletions) {
    if (repeated.contains(wanted.name)) continue;
    std::optional<ScramRefusal> refusal = refuse_user_and_mechanism(wanted.name, wanted.mechanism);
    if (!refusal && !image_.scram_credentials().contains({wanted.mechanism, Bytes(wanted.name)})) {
      refusal = ScramRefusal{ErrorCode::kResourceNotFound,
                             fmt::format("The user {} has no such credential to be deleted", wanted.name)};
    }
    if (!refusal) {
      RemoveUserScramCredentialRecord record;
      record.name = wanted.name;
      record.mechanism = wanted.mechanism;
      effects.records.emplace_back(std::move(record));
    }
    answer(wanted.name, std::move(refusal));
  }
  for (const ByteView user : repeated) {
    answer(user, ScramRefusal{ErrorCode::kDuplicateResource,
                              fmt::format("The user {} occurs more than once in the request", user)});
  }
  return effects;
}

}  // namespace milena
