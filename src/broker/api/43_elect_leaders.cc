// ElectLeaders (key 43), versions 0-2: elects preferred leaders, and since version 1 unclean ones (KIP-460).
#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/elect_leaders.h"

namespace milena::broker {
namespace {

using ElectLeadersCall = Call<ElectLeadersRequest, ElectLeadersResponse>;

void refuse_elections(ElectLeadersCall& call, ErrorCode error) {
  ElectLeadersResponse response;
  response.error_code = error;
  for (const auto& topic :
       call.request.topic_partitions.value_or(std::vector<ElectLeadersRequest::TopicPartitions>())) {
    auto& out = response.replica_election_results.emplace_back();
    out.topic = Bytes(topic.topic);
    for (int32_t partition : topic.partitions) {
      out.partition_result.push_back({partition, error, Bytes(error_message(error))});
    }
  }
  call.reply(response);
}

void handle_elect_leaders(std::shared_ptr<ElectLeadersCall> call) {
  if (!call->allows(security::kAlterCluster)) return refuse_elections(*call, ErrorCode::kClusterAuthorizationFailed);
  ask_controller(std::move(call));
}

}  // namespace

ApiEntry elect_leaders_api() { return api_entry<ElectLeadersCall, handle_elect_leaders>({security::kAlterCluster}); }

}  // namespace milena::broker
