// DescribeClientQuotas (key 48), versions 0-1, with the same fields.
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/shard_context.h"
#include "metadata/client_quotas.h"
#include "protocol/messages/describe_client_quotas.h"

namespace milena::broker {
namespace {

using DescribeClientQuotasCall = Call<DescribeClientQuotasRequest, DescribeClientQuotasResponse>;

void handle_describe_client_quotas(std::shared_ptr<DescribeClientQuotasCall> call) {
  if (!call->allows(security::kDescribeClusterConfigs)) {
    DescribeClientQuotasResponse refused;
    refused.error_code = ErrorCode::kClusterAuthorizationFailed;
    refused.error_message.reset();
    refused.entries.reset();
    return call->reply(refused);
  }
  call->reply(metadata::describe_client_quotas(call->context().image().client_quotas(), call->request));
}

}  // namespace

ApiEntry describe_client_quotas_api() {
  return api_entry<DescribeClientQuotasCall, handle_describe_client_quotas>({security::kDescribeClusterConfigs});
}

}  // namespace milena::broker
