// The controller's AlterUserScramCredentials (KIP-554): credentials are kept as records, whether or not a listener uses
// them. The client sends the salted password; the record has the two keys of the exchange (RFC 5802), from which it
// cannot be derived. Source: Kafka's ScramControlManager.
#include <functional>
#include <map>
#include <utility>

#include "base/sha2.h"
#include "metadata/controller.h"

namespace milena::metadata {
namespace {

// ScramMechanism.
constexpr int8_t kScramSha256 = 1, kScramSha512 = 2;
// MetadataVersion.isScramSupported: 3.5-IV2.
constexpr int16_t kFirstMetadataVersionWithScram = 11;
constexpr int32_t kMinIterations = 4096, kMaxIterations = 16384;

using AlteredUser = AlterUserScramCredentialsResponse::AlterUserScramCredentialsResult;
using Upsertion = AlterUserScramCredentialsRequest::ScramCredentialUpsertion;

struct ScramRefusal {
  ErrorCode code;
  Bytes message;
};

std::optional<ScramRefusal> refuse_user_and_mechanism(ByteView user, int8_t mechanism) {
  if (user.empty()) return ScramRefusal{ErrorCode::kUnacceptableCredential, "Username must not be empty"};
  if (mechanism != kScramSha256 && mechanism != kScramSha512) {
    return ScramRefusal{ErrorCode::kUnsupportedSaslMechanism,
                        "Unknown SCRAM mechanism"};
  }
  return std::nullopt;
}

std::optional<ScramRefusal> refuse_upsertion(const Upsertion& wanted) {
  if (auto refusal = refuse_user_and_mechanism(wanted.name, wanted.mechanism)) return refusal;
  if (wanted.iterations < kMinIterations || wanted.iterations > kMaxIterations) {
    return ScramRefusal{ErrorCode::kUnacceptableCredential,
                        wanted.iterations < kMinIterations ? "Too few iterations" : "Too many iterations"};
  }
  // The code is Kafka's, which cannot derive a key from an empty password.
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

// The results of a request, user by user: a user may be named once, whatever the mechanism, and gets its first error.
class ScramPlan {
 public:
  explicit ScramPlan(bool supported) : supported_(supported) {}

  // Creating a record takes microseconds: only the needed ones are created.
  using Making = std::function<MetadataRecord()>;

  void add(ByteView user, std::optional<ScramRefusal> refusal, Making make_record) {
    if (refused_.contains(user)) return;
    if (accepted_.erase(user) > 0) {
      refusal = ScramRefusal{ErrorCode::kDuplicateResource,
                             "A user credential cannot be altered twice in the same request"};
    } else if (!supported_) {
      refusal = ScramRefusal{ErrorCode::kUnsupportedVersion, "The current metadata.version does not support SCRAM"};
    }
    if (refusal) {
      refused_.emplace(user, std::move(*refusal));
    } else {
      accepted_.emplace(user, std::move(make_record));
    }
  }

  ControllerEffects<AlterUserScramCredentialsResponse> effects() && {
    ControllerEffects<AlterUserScramCredentialsResponse> effects;
    for (auto& [user, make_record] : accepted_) {
      effects.records.push_back(make_record());
      AlteredUser& result = effects.response.results.emplace_back();
      result.user = user;
      result.error_message.reset();
    }
    for (auto& [user, refusal] : refused_)
      effects.response.results.push_back({Bytes(user), refusal.code, std::move(refusal.message)});
    return effects;
  }

 private:
  bool supported_;
  std::map<ByteView, Making> accepted_;
  std::map<ByteView, ScramRefusal> refused_;
};

}  // namespace

ControllerEffects<AlterUserScramCredentialsResponse> Controller::alter_user_scram_credentials(
    const AlterUserScramCredentialsRequest& request) const {
  // As in Kafka, deletions come first: deleting an unknown user is an error, even with an upsertion.
  ScramPlan plan(image_.metadata_version() >= kFirstMetadataVersionWithScram);
  for (const auto& wanted : request.deletions) {
    std::optional<ScramRefusal> refusal = refuse_user_and_mechanism(wanted.name, wanted.mechanism);
    if (!refusal && !image_.scram_credentials().contains({wanted.mechanism, Bytes(wanted.name)})) {
      refusal = ScramRefusal{ErrorCode::kResourceNotFound,
                             "Attempt to delete a user credential that does not exist"};
    }
    plan.add(wanted.name, std::move(refusal), [&wanted] {
      RemoveUserScramCredentialRecord record;
      record.name = wanted.name;
      record.mechanism = wanted.mechanism;
      return record;
    });
  }
  for (const Upsertion& wanted : request.upsertions)
    plan.add(wanted.name, refuse_upsertion(wanted), [&wanted] { return credential(wanted); });
  return std::move(plan).effects();
}

}  // namespace milena::metadata
