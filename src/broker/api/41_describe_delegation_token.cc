// DescribeDelegationToken (key 41), versions 0-3 (KIP-48). Owners and renewers see their tokens, keys included; others
// need a permission.
#include <algorithm>

#include "broker/api/token_call.h"
#include "broker/api_entry.h"
#include "broker/shard_context.h"
#include "metadata/delegation_tokens.h"
#include "protocol/messages/describe_delegation_token.h"

namespace milena::broker {
namespace {

using DescribeDelegationTokenCall = Call<DescribeDelegationTokenRequest, DescribeDelegationTokenResponse>;

constexpr security::Permission kDescribeToken{AclOperation::kDescribe, AclResourceType::kDelegationToken};
constexpr security::Permission kDescribeUserTokens{AclOperation::kDescribeTokens, AclResourceType::kUser};

bool is_wanted(const DescribeDelegationTokenRequest& request, const DelegationTokenRecord& token) {
  if (!request.owners) return true;
  return std::any_of(request.owners->begin(), request.owners->end(), [&token](const auto& owner) {
    return metadata::is_owner_or_renewer(token, Bytes(owner.principal_type) + ":" + Bytes(owner.principal_name));
  });
}

bool may_see(const DescribeDelegationTokenCall& call, const DelegationTokenRecord& token) {
  const security::Principal& who = call.principal();
  return metadata::is_owner_or_renewer(token, who.type + ":" + who.name) ||
         call.allows(kDescribeToken, token.token_id) || call.allows(kDescribeUserTokens, token.owner);
}

DescribeDelegationTokenResponse::DescribedDelegationToken described_token(const DelegationTokenRecord& token,
                                                                          ByteView secret) {
  DescribeDelegationTokenResponse::DescribedDelegationToken described;
  const metadata::TokenPrincipal owner = metadata::TokenPrincipal::parse(token.owner),
                                 requester = metadata::TokenPrincipal::parse(token.requester);
  described.principal_type = owner.type;
  described.principal_name = owner.name;
  described.token_requester_principal_type = requester.type;
  described.token_requester_principal_name = requester.name;
  described.issue_timestamp = token.issue_timestamp;
  described.expiry_timestamp = token.expiration_timestamp;
  described.max_timestamp = token.max_timestamp;
  described.token_id = token.token_id;
  described.hmac = metadata::delegation_token_hmac(secret, token.token_id);
  for (const Bytes& renewer : token.renewers) {
    metadata::TokenPrincipal principal = metadata::TokenPrincipal::parse(renewer);
    described.renewers.push_back({std::move(principal.type), std::move(principal.name)});
  }
  return described;
}

void handle_describe_delegation_token(std::shared_ptr<DescribeDelegationTokenCall> call) {
  DescribeDelegationTokenResponse response;
  const metadata::DelegationTokenSettings settings =
      metadata::DelegationTokenSettings::from(call->context().settings());
  if (!may_ask_about_tokens(*call)) {
    response.error_code = ErrorCode::kDelegationTokenRequestNotAllowed;
  } else if (!settings.enabled()) {
    response.error_code = ErrorCode::kDelegationTokenAuthDisabled;
  } else {
    for (const auto& [id, token] : call->context().image().delegation_tokens()) {
      if (!is_wanted(call->request, token) || !may_see(*call, token)) continue;
      response.tokens.push_back(described_token(token, settings.secret));
    }
  }
  call->reply(response);
}

}  // namespace

ApiEntry describe_delegation_token_api() {
  return api_entry<DescribeDelegationTokenCall, handle_describe_delegation_token>(
      {kDescribeToken, kDescribeUserTokens});
}

}  // namespace milena::broker
