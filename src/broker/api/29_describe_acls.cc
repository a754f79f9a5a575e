// DescribeAcls (key 29), versions 0-3. Without an authorizer there are no ACLs, and Kafka says so to whoever asks.
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "protocol/messages/describe_acls.h"

namespace milena {
namespace {

using DescribeAclsCall = Call<DescribeAclsRequest, DescribeAclsResponse>;

void handle_describe_acls(std::shared_ptr<DescribeAclsCall> call) {
  if (!require_cluster(*call, kDescribeTheCluster)) return;
  DescribeAclsResponse response;
  response.error_code = ErrorCode::kSecurityDisabled;
  response.error_message = kNoAuthorizer;
  call->reply(response);
}

}  // namespace

ApiEntry describe_acls_api() { return api_entry<DescribeAclsCall, handle_describe_acls>({kDescribeTheCluster}); }

}  // namespace milena
