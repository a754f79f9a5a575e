// DescribeUserScramCredentials (key 50), version 0 (KIP-554): mechanisms and iterations, never the keys. A null or
// empty list of users means all of them.
#include <map>

#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/shard_context.h"
#include "protocol/messages/describe_user_scram_credentials.h"

namespace milena::broker {
namespace {

using DescribeUserScramCredentialsCall =
    Call<DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse>;

using DescribedUser = DescribeUserScramCredentialsResponse::DescribeUserScramCredentialsResult;
using CredentialInfos = std::vector<DescribeUserScramCredentialsResponse::CredentialInfo>;

std::map<ByteView, CredentialInfos> credentials_by_user(const metadata::MetadataImage& image) {
  std::map<ByteView, CredentialInfos> by_user;
  for (const auto& [key, credential] : image.scram_credentials()) {
    by_user[credential.name].push_back({credential.mechanism, credential.iterations});
  }
  return by_user;
}

DescribedUser describe(ByteView user, const std::map<ByteView, CredentialInfos>& by_user, bool twice) {
  DescribedUser result;
  result.user = Bytes(user);
  auto found = by_user.find(user);
  if (twice) {
    result.error_code = ErrorCode::kDuplicateResource;
    result.error_message =
        "Cannot describe SCRAM credentials for the same user twice in a single request: " + Bytes(user);
  } else if (found == by_user.end()) {
    result.error_code = ErrorCode::kResourceNotFound;
    result.error_message = "Attempt to describe a user credential that does not exist: " + Bytes(user);
  } else {
    result.credential_infos = found->second;
  }
  return result;
}

// Kafka answers an entry for each user of the request, but without the names.
void refuse_users(DescribeUserScramCredentialsCall& call, ErrorCode error) {
  DescribeUserScramCredentialsResponse response;
  response.error_code = error;
  response.error_message.reset();
  if (call.request.users) response.results.resize(call.request.users->size());
  for (DescribedUser& each : response.results) {
    each.error_code = error;
    each.error_message = response.error_message;
  }
  call.reply(response);
}

void handle_describe_user_scram_credentials(std::shared_ptr<DescribeUserScramCredentialsCall> call) {
  if (!call->allows(security::kDescribeTheCluster)) return refuse_users(*call, ErrorCode::kClusterAuthorizationFailed);
  auto by_user = credentials_by_user(call->context().image());
  const auto& users = call->request.users;
  std::map<ByteView, int> asked;
  if (!users || users->empty()) {
    for (const auto& [user, infos] : by_user) asked[user] = 1;
  } else {
    for (const auto& user : *users) asked[user.name]++;
  }
  DescribeUserScramCredentialsResponse response;
  for (const auto& [user, times] : asked) response.results.push_back(describe(user, by_user, times > 1));
  call->reply(response);
}

}  // namespace

ApiEntry describe_user_scram_credentials_api() {
  return api_entry<DescribeUserScramCredentialsCall, handle_describe_user_scram_credentials>(
      {security::kDescribeTheCluster});
}

}  // namespace milena::broker
