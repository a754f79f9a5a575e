// AlterClientQuotas (key 49), versions 0-1; both say the same. Decided by the controller. The name of an ip entity must
// be an address or have one, as in Kafka: names are looked up on a worker first.
#include <arpa/inet.h>
#include <netdb.h>

#include <set>

#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "metadata/client_quotas.h"
#include "protocol/messages/alter_client_quotas.h"

namespace milena {
namespace {

using AlterClientQuotasCall = Call<AlterClientQuotasRequest, AlterClientQuotasResponse>;

// Names looked up for one request; more are refused unseen.
constexpr size_t kMostHosts = 100;

bool is_address(const Bytes& host) {
  unsigned char any[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host.c_str(), any) == 1 || ::inet_pton(AF_INET6, host.c_str(), any) == 1;
}

bool has_address(const Bytes& host) {
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, nullptr, &found) != 0) return false;
  ::freeaddrinfo(found);
  return true;
}

std::set<Bytes> hosts_to_look_up(const AlterClientQuotasRequest& request) {
  std::set<Bytes> hosts;
  for (const auto& entry : request.entries) {
    for (const auto& part : entry.entity) {
      if (part.entity_type != kQuotaIp || !part.entity_name || part.entity_name->empty()) continue;
      if (Bytes host(*part.entity_name); !is_address(host)) hosts.insert(std::move(host));
    }
  }
  return hosts;
}

void alter(const std::shared_ptr<AlterClientQuotasCall>& call, std::shared_ptr<std::set<Bytes>> bad_hosts) {
  ask_controller(call, [call, bad_hosts = std::move(bad_hosts)](const Controller& controller) {
    return controller.alter_client_quotas(call->request, *bad_hosts);
  });
}

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
  if (!call->allows(kAlterClusterConfigs)) return refuse_quotas(*call, ErrorCode::kClusterAuthorizationFailed);
  auto hosts = std::make_shared<std::set<Bytes>>(hosts_to_look_up(call->request));
  if (hosts->empty() || hosts->size() > kMostHosts) return alter(call, std::move(hosts));
  call->shard().executor().run_blocking([hosts] { std::erase_if(*hosts, has_address); },
                                        [call, hosts] { alter(call, hosts); });
}

}  // namespace

ApiEntry alter_client_quotas_api() {
  return api_entry<AlterClientQuotasCall, handle_alter_client_quotas>({kAlterClusterConfigs});
}

}  // namespace milena
