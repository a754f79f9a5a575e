// AlterClientQuotas (key 49), versions 0-1, with the same fields. Decided by the controller.
#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/alter_client_quotas.h"

namespace milena::broker {
namespace {

using AlterClientQuotasCall = Call<AlterClientQuotasRequest, AlterClientQuotasResponse>;

void refuse_quotas(AlterClientQuotasCall& call, ErrorCode error) {
  AlterClientQuotasResponse response;
  for (const auto& entry : call.request.entries) {
    auto& out = response.entries.emplace_back();
    out.error_code = error;
    out.error_message = Bytes(error_message(error));
    for (const auto& part : entry.entity) {
      auto& entity = out.entity.emplace_back();
      entity.entity_type = Bytes(part.entity_type);
      entity.entity_name = part.entity_name ? std::optional(Bytes(*part.entity_name)) : std::nullopt;
    }
  }
  call.reply(response);
}

void handle_alter_client_quotas(std::shared_ptr<AlterClientQuotasCall> call) {
  if (!call->allows(security::kAlterClusterConfigs))
    return refuse_quotas(*call, ErrorCode::kClusterAuthorizationFailed);
  ask_controller(std::move(call));
}

}  // namespace

ApiEntry alter_client_quotas_api() {
  return api_entry<AlterClientQuotasCall, handle_alter_client_quotas>({security::kAlterClusterConfigs});
}

}  // namespace milena::broker
