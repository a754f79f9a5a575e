// DeleteAcls (key 31), versions 0-3. Without an authorizer there are no ACLs, and Kafka says so to whoever asks.
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "protocol/messages/delete_acls.h"

namespace milena {
namespace {

using DeleteAclsCall = Call<DeleteAclsRequest, DeleteAclsResponse>;

void handle_delete_acls(std::shared_ptr<DeleteAclsCall> call) {
  const bool allowed = call->allows(kAlterCluster);
  DeleteAclsResponse response;
  response.filter_results.resize(call->request.filters.size());
  for (auto& result : response.filter_results) {
    result.error_code = allowed ? ErrorCode::kSecurityDisabled : ErrorCode::kClusterAuthorizationFailed;
    result.error_message = allowed ? kNoAuthorizer : Bytes(error_message(result.error_code));
  }
  call->reply(response);
}

}  // namespace

ApiEntry delete_acls_api() { return api_entry<DeleteAclsCall, handle_delete_acls>({kAlterCluster}); }

}  // namespace milena
