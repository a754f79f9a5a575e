// DescribeAcls (key 29), versions 0-3. 1: types of patterns; 2: flexible. A filter with a field that is 0, "unknown",
// makes the request invalid for Kafka, and closes the connection.
#include "broker/api/acl_call.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/shard_context.h"
#include "metadata/acls.h"
#include "protocol/messages/describe_acls.h"

namespace milena::broker {
namespace {

using DescribeAclsCall = Call<DescribeAclsRequest, DescribeAclsResponse>;

void handle_describe_acls(std::shared_ptr<DescribeAclsCall> call) {
  if (filter_is_unknown(call->request)) return call->close(kUnknownAclElements);
  if (!require_cluster(*call, security::kDescribeTheCluster)) return;
  if (!call->has_authorizer()) {
    DescribeAclsResponse response;
    response.error_code = ErrorCode::kSecurityDisabled;
    response.error_message = "No Authorizer is configured on the broker";
    return call->reply(response);
  }
  call->reply(metadata::describe_acls(call->context().image().acls(), call->request));
}

}  // namespace

ApiEntry describe_acls_api() {
  return api_entry<DescribeAclsCall, handle_describe_acls>({security::kDescribeTheCluster});
}

}  // namespace milena::broker
