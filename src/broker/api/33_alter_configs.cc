// AlterConfigs (key 33), versions 0-2: replaces all configs of a resource. Version 1 is the same as 0, version 2 is
// flexible. Deprecated since IncrementalAlterConfigs, but older clients still use it. Decided by the controller.
#include "broker/api/alter_configs_call.h"
#include "broker/api/altered_stores.h"
#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/alter_configs.h"

namespace milena::broker {
namespace {

using AlterConfigsCall = Call<AlterConfigsRequest, AlterConfigsResponse>;

void handle_alter_configs(std::shared_ptr<AlterConfigsCall> call) {
  ConfigsAnsweredHere<AlterConfigsCall> forbidden(*call);
  ConfigsAnsweredHere<AlterConfigsCall> own = check_own_settings(*call);
  check_stores_first(call, [call, forbidden, own](const ConfigsAnsweredHere<AlterConfigsCall>& refused) {
    ask_controller(call, [forbidden, own, refused](AlterConfigsResponse& response) {
      refused.add_to(response);
      own.add_to(response);
      forbidden.add_to(response);
    });
  });
}

}  // namespace

ApiEntry alter_configs_api() {
  return api_entry<AlterConfigsCall, handle_alter_configs>(
      {security::kAlterTopicConfigs, security::kAlterGroupConfigs, security::kAlterClusterConfigs});
}

}  // namespace milena::broker
