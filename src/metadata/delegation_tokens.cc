#include "metadata/delegation_tokens.h"

#include <algorithm>

#include "base/saturating.h"
#include "base/sha2.h"

namespace milena::metadata {
namespace {

// MetadataVersion.isDelegationTokenSupported: 3.6-IV2.
constexpr int16_t kFirstMetadataVersionWithTokens = 14;
constexpr size_t kMaxRemovedAtOnce = 1000;
constexpr ByteView kUser = "User";

// kNone if tokens are enabled.
ErrorCode refuse_tokens(const MetadataImage& image, const DelegationTokenSettings& settings) {
  if (!settings.enabled()) return ErrorCode::kDelegationTokenAuthDisabled;
  return image.metadata_version() < kFirstMetadataVersionWithTokens ? ErrorCode::kUnsupportedVersion : ErrorCode::kNone;
}

const DelegationTokenRecord* find_token(const MetadataImage& image, ByteView secret, ByteView hmac) {
  for (const auto& [id, token] : image.delegation_tokens()) {
    if (delegation_token_hmac(secret, id) == hmac) return &token;
  }
  return nullptr;
}

bool may_renew(const DelegationTokenRecord& token, const Bytes& requester) {
  return is_owner_or_renewer(token, requester);
}

MetadataRecord with_expiry(const DelegationTokenRecord& token, int64_t expiry_ms) {
  DelegationTokenRecord changed = token;
  changed.expiration_timestamp = expiry_ms;
  return changed;
}

MetadataRecord removal_of(const DelegationTokenRecord& token) {
  RemoveDelegationTokenRecord removal;
  removal.token_id = token.token_id;
  return removal;
}

}  // namespace

DelegationTokenSettings DelegationTokenSettings::from(const config::Settings& settings) {
  return {settings.text("delegation.token.secret.key").value_or(""),
          settings.get_long("delegation.token.max.lifetime.ms"), settings.get_long("delegation.token.expiry.time.ms")};
}

TokenPrincipal TokenPrincipal::parse(ByteView text) {
  const size_t colon = text.find(':');
  if (colon == ByteView::npos) return {Bytes(kUser), Bytes(text)};
  return {Bytes(text.substr(0, colon)), Bytes(text.substr(colon + 1))};
}

Bytes delegation_token_hmac(ByteView secret, ByteView token_id) { return sha2_hmac(Sha2::k512, secret, token_id); }

bool is_owner_or_renewer(const DelegationTokenRecord& token, ByteView principal) {
  return token.owner == principal ||
         std::find(token.renewers.begin(), token.renewers.end(), principal) != token.renewers.end();
}

bool has_expired(const DelegationTokenRecord& token, int64_t now_ms) {
  return token.max_timestamp < now_ms || token.expiration_timestamp < now_ms;
}

ControllerEffects<CreateDelegationTokenResponse> create_delegation_token(const MetadataImage& image,
                                                                         const TokenRequestContext& context,
                                                                         const CreateDelegationTokenRequest& request,
                                                                         const Uuid& new_id) {
  ControllerEffects<CreateDelegationTokenResponse> effects;
  CreateDelegationTokenResponse& response = effects.response;
  const TokenPrincipal requester = TokenPrincipal::parse(context.requester);
  TokenPrincipal owner = requester;
  if (!request.owner_principal_name.value_or("").empty()) {
    owner = {Bytes(request.owner_principal_type.value_or("")), Bytes(*request.owner_principal_name)};
  }
  response.principal_type = owner.type;
  response.principal_name = owner.name;
  response.token_requester_principal_type = requester.type;
  response.token_requester_principal_name = requester.name;
  response.error_code = refuse_tokens(image, context.settings);
  if (response.error_code != ErrorCode::kNone) return effects;

  DelegationTokenRecord token;
  for (const auto& renewer : request.renewers) {
    if (renewer.principal_type != kUser) {
      response.error_code = ErrorCode::kInvalidPrincipalType;
      return effects;
    }
    token.renewers.push_back(Bytes(renewer.principal_type) + ":" + Bytes(renewer.principal_name));
  }
  int64_t lifetime_ms = context.settings.max_lifetime_ms;
  if (request.max_lifetime_ms > 0) lifetime_ms = std::min(lifetime_ms, request.max_lifetime_ms);
  token.owner = owner.to_string();
  token.requester = requester.to_string();
  token.issue_timestamp = context.now_ms;
  token.max_timestamp = add_saturating(context.now_ms, lifetime_ms);
  token.expiration_timestamp =
      std::min(token.max_timestamp, add_saturating(context.now_ms, context.settings.expiry_ms));
  token.token_id = new_id.to_string();
  response.issue_timestamp_ms = token.issue_timestamp;
  response.expiry_timestamp_ms = token.expiration_timestamp;
  response.max_timestamp_ms = token.max_timestamp;
  response.token_id = token.token_id;
  response.hmac = delegation_token_hmac(context.settings.secret, token.token_id);
  effects.records.emplace_back(std::move(token));
  return effects;
}

ControllerEffects<RenewDelegationTokenResponse> renew_delegation_token(const MetadataImage& image,
                                                                       const TokenRequestContext& context,
                                                                       const RenewDelegationTokenRequest& request) {
  ControllerEffects<RenewDelegationTokenResponse> effects;
  ErrorCode& error = effects.response.error_code;
  error = refuse_tokens(image, context.settings);
  if (error != ErrorCode::kNone) return effects;
  const DelegationTokenRecord* token = find_token(image, context.settings.secret, request.hmac);
  if (token == nullptr) {
    error = ErrorCode::kDelegationTokenNotFound;
  } else if (has_expired(*token, context.now_ms)) {
    error = ErrorCode::kDelegationTokenExpired;
  } else if (!may_renew(*token, context.requester)) {
    error = ErrorCode::kDelegationTokenOwnerMismatch;
  } else {
    int64_t period_ms = context.settings.expiry_ms;
    if (request.renew_period_ms > 0) period_ms = std::min(period_ms, request.renew_period_ms);
    const int64_t expiry_ms = std::min(token->max_timestamp, add_saturating(context.now_ms, period_ms));
    effects.response.expiry_timestamp_ms = expiry_ms;
    effects.records.push_back(with_expiry(*token, expiry_ms));
  }
  return effects;
}

ControllerEffects<ExpireDelegationTokenResponse> expire_delegation_token(const MetadataImage& image,
                                                                         const TokenRequestContext& context,
                                                                         const ExpireDelegationTokenRequest& request) {
  ControllerEffects<ExpireDelegationTokenResponse> effects;
  ErrorCode& error = effects.response.error_code;
  error = refuse_tokens(image, context.settings);
  if (error != ErrorCode::kNone) return effects;
  const DelegationTokenRecord* token = find_token(image, context.settings.secret, request.hmac);
  if (token == nullptr) {
    error = ErrorCode::kDelegationTokenNotFound;
  } else if (!may_renew(*token, context.requester)) {
    error = ErrorCode::kDelegationTokenOwnerMismatch;
  } else if (request.expiry_time_period_ms < 0) {
    effects.response.expiry_timestamp_ms = context.now_ms;
    effects.records.push_back(removal_of(*token));
  } else if (has_expired(*token, context.now_ms)) {
    error = ErrorCode::kDelegationTokenExpired;
  } else {
    const int64_t expiry_ms =
        std::min(token->max_timestamp, add_saturating(context.now_ms, request.expiry_time_period_ms));
    effects.response.expiry_timestamp_ms = expiry_ms;
    effects.records.push_back(with_expiry(*token, expiry_ms));
  }
  return effects;
}

ControllerEffects<bool> remove_expired_tokens(const MetadataImage& image, int64_t now_ms) {
  ControllerEffects<bool> effects;
  for (const auto& [id, token] : image.delegation_tokens()) {
    if (!has_expired(token, now_ms)) continue;
    if (effects.records.size() == kMaxRemovedAtOnce) {
      effects.response = true;
      break;
    }
    effects.records.push_back(removal_of(token));
  }
  return effects;
}

}  // namespace milena::metadata
