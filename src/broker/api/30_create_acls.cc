// CreateAcls (key 30), versions 0-3. Without an authorizer there are no ACLs, and Kafka says so to whoever asks.
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "protocol/messages/create_acls.h"

namespace milena {
namespace {

using CreateAclsCall = Call<CreateAclsRequest, CreateAclsResponse>;

void handle_create_acls(std::shared_ptr<CreateAclsCall> call) {
  const bool allowed = call->allows(kAlterCluster);
  CreateAclsResponse response;
  response.results.resize(call->request.creations.size());
  for (auto& result : response.results) {
    result.error_code = allowed ? ErrorCode::kSecurityDisabled : ErrorCode::kClusterAuthorizationFailed;
    result.error_message = allowed ? kNoAuthorizer : Bytes(error_message(result.error_code));
  }
  call->reply(response);
}

}  // namespace

ApiEntry create_acls_api() { return api_entry<CreateAclsCall, handle_create_acls>({kAlterCluster}); }

}  // namespace milena
