// AlterClientQuotas at the embedded controller. The name of an ip entity must be an address or resolve to one, as in
// Kafka: names are resolved on a worker first.
#include <arpa/inet.h>
#include <netdb.h>

#include <set>

#include "broker/controller/embedded_controller_call.h"
#include "broker/shard.h"
#include "metadata/client_quotas.h"
#include "protocol/messages/alter_client_quotas.h"

namespace milena::broker {
namespace {

// The most names to resolve for one request; with more, all of them are refused.
constexpr size_t kMaxHosts = 100;

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
      if (part.entity_type != metadata::kQuotaIp || !part.entity_name || part.entity_name->empty()) continue;
      if (Bytes host(*part.entity_name); !is_address(host)) hosts.insert(std::move(host));
    }
  }
  return hosts;
}

void alter(const EmbeddedCallPtr& call, std::shared_ptr<std::set<Bytes>> bad_hosts) {
  auto request = call->request.as<AlterClientQuotasRequest>();
  decide_embedded<AlterClientQuotasResponse>(
      call, [request, bad_hosts = std::move(bad_hosts)](const metadata::Controller& controller) {
        return controller.alter_client_quotas(*request, *bad_hosts);
      });
}

}  // namespace

void alter_client_quotas_embedded(const EmbeddedCallPtr& call) {
  auto hosts = std::make_shared<std::set<Bytes>>(hosts_to_look_up(*call->request.as<AlterClientQuotasRequest>()));
  if (hosts->empty() || hosts->size() > kMaxHosts) return alter(call, std::move(hosts));
  run_or_drop(call->from.executor(), &Executor::run_blocking, [hosts] { std::erase_if(*hosts, has_address); },
              [call, hosts] { alter(call, hosts); });
}

}  // namespace milena::broker
