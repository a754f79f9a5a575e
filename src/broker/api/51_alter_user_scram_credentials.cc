// AlterUserScramCredentials (key 51), version 0 (KIP-554).
#include <set>

#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/alter_user_scram_credentials.h"
#include "security/audit_line.h"

namespace milena::broker {
namespace {

using AlterUserScramCredentialsCall = Call<AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse>;

void refuse_credentials(AlterUserScramCredentialsCall& call, ErrorCode error) {
  std::set<ByteView> users;
  for (const auto& each : call.request.deletions) users.insert(each.name);
  for (const auto& each : call.request.upsertions) users.insert(each.name);
  AlterUserScramCredentialsResponse response;
  for (ByteView user : users) response.results.push_back({Bytes(user), error, Bytes(error_message(error))});
  call.reply(response);
}

void handle_alter_user_scram_credentials(std::shared_ptr<AlterUserScramCredentialsCall> call) {
  if (call->is_audited()) {
    for (const auto& one : call->request.deletions) call->audit_trail().add_target(Bytes(one.name));
    for (const auto& one : call->request.upsertions) call->audit_trail().add_target(Bytes(one.name));
  }
  if (!call->allows(security::kAlterCluster)) return refuse_credentials(*call, ErrorCode::kClusterAuthorizationFailed);
  ask_controller(std::move(call));
}

}  // namespace

ApiEntry alter_user_scram_credentials_api() {
  return api_entry<AlterUserScramCredentialsCall, handle_alter_user_scram_credentials>({security::kAlterCluster});
}

}  // namespace milena::broker
