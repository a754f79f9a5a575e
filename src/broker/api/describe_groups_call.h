// Common code of the Describe requests of all kinds of groups: asks each coordinator for its part, answers an error for
// a group that cannot be described, and adds authorized operations where the client asked for them.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "broker/api/group_call.h"
#include "broker/api/group_fan_out.h"

namespace milena::broker {

template <class Response>
void add_group_error(Response& response, ByteView group, ErrorCode error) {
  auto& out = response.groups.emplace_back();
  out.group_id = Bytes(group);
  out.error_code = error;
}

template <class ApiCall>
using DescribedGroupOf = typename decltype(ApiCall::Response::groups)::value_type;

// `describe` is the coordinator's function. `response` may hold groups already; they are answered with the others.
// `finish` runs last on each described group.
template <class ApiCall>
void describe_at_coordinators(std::shared_ptr<ApiCall> call, std::vector<ByteView> groups,
                              coordinator::Effects (coordinator::GroupShard::*describe)(const coordinator::Caller&,
                                                                                        std::span<const ByteView>),
                              std::shared_ptr<typename ApiCall::Response> response,
                              void (*finish)(const ApiCall&, DescribedGroupOf<ApiCall>&) = nullptr) {
  using Response = typename ApiCall::Response;
  std::erase_if(groups, [&](ByteView group) {
    if (call->allows(security::kDescribeGroup, group)) return false;
    add_group_error(*response, group, ErrorCode::kGroupAuthorizationFailed);
    return true;
  });
  ask_parts(
      call->shard(), split_by_coordinator(call->context(), groups),
      [call, describe](coordinator::GroupShard& state, const GroupPart& part, coordinator::AnswerToken token,
                       coordinator::Now) { return (state.*describe)(GroupCaller(*call, token), part.groups); },
      [call, response, finish](const GroupPart& part, ErrorCode error, coordinator::GroupResponse* answer) {
        if (error != ErrorCode::kNone) {
          for (ByteView group : part.groups) add_group_error(*response, group, error);
          return;
        }
        for (auto& group : std::get<Response>(*answer).groups) {
          if (call->request.include_authorized_operations && group.error_code == ErrorCode::kNone)
            group.authorized_operations = call->authorized_operations(AclResourceType::kGroup, group.group_id);
          if (finish != nullptr) finish(*call, group);
          response->groups.push_back(std::move(group));
        }
      },
      [call, response] { call->reply(*response); });
}

}  // namespace milena::broker
