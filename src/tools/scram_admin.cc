#include "tools/scram_admin.h"

#include "protocol/messages/describe_user_scram_credentials.h"

namespace milena::tools {

Status alter_scram(Cluster& cluster, const AlterUserScramCredentialsRequest& request) {
  auto response = cluster.ask<AlterUserScramCredentialsResponse>(request);
  RETURN_IF_ERROR(response);
  for (const auto& result : response->results) {
    if (result.error_code == ErrorCode::kNone) continue;
    return make_error(ErrorKind::kInvalid, "{}: {}", result.user,
                      answer_error(result.error_code, result.error_message).message);
  }
  return ok_status();
}

Status set_scram_password(Cluster& cluster, const std::string& user, security::ScramMechanism mechanism,
                          const std::string& password, int32_t iterations) {
  const Bytes salt = security::random_scram_text(system_random());
  const Bytes salted = security::salted_password(mechanism, password, salt, iterations);
  AlterUserScramCredentialsRequest request;
  auto& upsertion = request.upsertions.emplace_back();
  upsertion.name = ByteView(user);
  upsertion.mechanism = static_cast<int8_t>(mechanism);
  upsertion.iterations = iterations;
  upsertion.salt = salt;
  upsertion.salted_password = salted;
  return alter_scram(cluster, request);
}

Result<bool> has_scram_user(Cluster& cluster, const std::string& user, security::ScramMechanism mechanism) {
  DescribeUserScramCredentialsRequest request;
  request.users.emplace();
  request.users->emplace_back().name = ByteView(user);
  auto answer = cluster.ask<DescribeUserScramCredentialsResponse>(request);
  RETURN_IF_ERROR(answer);
  if (answer->error_code != ErrorCode::kNone) return answer_error(answer->error_code, answer->error_message);
  for (const auto& result : answer->results) {
    for (const auto& info : result.credential_infos) {
      if (info.mechanism == static_cast<int8_t>(mechanism)) return true;
    }
  }
  return false;
}

}  // namespace milena::tools
