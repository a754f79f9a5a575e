// CreateAcls (key 30), versions 0-3. 1: types of patterns; 2: flexible. metadata/controller_acls.cc validates ACLs. An
// ACL with a field that is 0, "unknown", makes the request invalid for Kafka, and closes the connection.
#include "broker/api/acl_call.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "protocol/messages/create_acls.h"

namespace milena::broker {
namespace {

using CreateAclsCall = Call<CreateAclsRequest, CreateAclsResponse>;

bool is_unknown(const CreateAclsRequest::AclCreation& acl) {
  return acl.resource_pattern_type == 0 || acl.resource_type == 0 || acl.permission_type == 0 || acl.operation == 0;
}

void handle_create_acls(std::shared_ptr<CreateAclsCall> call) {
  const auto& wanted = call->request.creations;
  if (std::any_of(wanted.begin(), wanted.end(), is_unknown)) return call->close(kUnknownAclElements);
  alter_acls(call, wanted, &CreateAclsResponse::results);
}

}  // namespace

ApiEntry create_acls_api() { return api_entry<CreateAclsCall, handle_create_acls>({security::kAlterCluster}); }

}  // namespace milena::broker
