// Delegation tokens (KIP-48): the results of requests about them, and the keys that prove a token. Pure: the image, the
// time and ids are passed in. The metadata of a token has no secrets; its key is derived from its id and
// delegation.token.secret.key. Source: Kafka's DelegationTokenControlManager, DelegationTokenManager.
#pragma once

#include <functional>

#include "config/settings.h"
#include "metadata/controller.h"
#include "protocol/messages/create_delegation_token.h"
#include "protocol/messages/expire_delegation_token.h"
#include "protocol/messages/renew_delegation_token.h"

namespace milena::metadata {

struct DelegationTokenSettings {
  Bytes secret;  // empty: tokens are disabled
  int64_t max_lifetime_ms = 604'800'000;
  int64_t expiry_ms = 86'400'000;

  static DelegationTokenSettings from(const config::Settings& settings);
  bool enabled() const { return !secret.empty(); }
};

// "User:alice", in the form of records.
struct TokenPrincipal {
  Bytes type;
  Bytes name;
  static TokenPrincipal parse(ByteView text);
  Bytes to_string() const { return type + ":" + name; }
};

// The token's key: in base64 it is the password to log in with.
Bytes delegation_token_hmac(ByteView secret, ByteView token_id);
bool is_owner_or_renewer(const DelegationTokenRecord& token, ByteView principal);
bool has_expired(const DelegationTokenRecord& token, int64_t now_ms);

// The requester, the time, and the settings.
struct TokenRequestContext {
  const DelegationTokenSettings& settings;
  Bytes requester;  // "User:alice"
  int64_t now_ms = 0;
};

ControllerEffects<CreateDelegationTokenResponse> create_delegation_token(const MetadataImage& image,
                                                                         const TokenRequestContext& context,
                                                                         const CreateDelegationTokenRequest& request,
                                                                         const Uuid& new_id);
ControllerEffects<RenewDelegationTokenResponse> renew_delegation_token(const MetadataImage& image,
                                                                       const TokenRequestContext& context,
                                                                       const RenewDelegationTokenRequest& request);
ControllerEffects<ExpireDelegationTokenResponse> expire_delegation_token(const MetadataImage& image,
                                                                         const TokenRequestContext& context,
                                                                         const ExpireDelegationTokenRequest& request);
// Removes expired tokens, some at a time. The response: whether there are more.
ControllerEffects<bool> remove_expired_tokens(const MetadataImage& image, int64_t now_ms);

}  // namespace milena::metadata
