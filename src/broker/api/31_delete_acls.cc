// DeleteAcls (key 31), versions 0-3. 1: types of patterns; 2: flexible. A filter with a field that is 0, "unknown",
// makes the request invalid for Kafka, and closes the connection.
#include "broker/api/acl_call.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "protocol/messages/delete_acls.h"

namespace milena::broker {
namespace {

using DeleteAclsCall = Call<DeleteAclsRequest, DeleteAclsResponse>;

void handle_delete_acls(std::shared_ptr<DeleteAclsCall> call) {
  const auto& filters = call->request.filters;
  if (std::any_of(filters.begin(), filters.end(), filter_is_unknown<DeleteAclsRequest::DeleteAclsFilter>)) {
    return call->close(kUnknownAclElements);
  }
  alter_acls(call, filters, &DeleteAclsResponse::filter_results);
}

}  // namespace

ApiEntry delete_acls_api() { return api_entry<DeleteAclsCall, handle_delete_acls>({security::kAlterCluster}); }

}  // namespace milena::broker
