// Client quotas (KIP-546, KIP-599, KIP-612): entities and keys, the quota that applies to a client, and the response of
// DescribeClientQuotas. Pure; the quotas are in the image, controller_quotas.cc changes them. Sources: Kafka's
// ClientQuotasImage, DefaultQuotaCallback, QuotaConfig.
#pragma once

#include <optional>

#include "metadata/image.h"
#include "protocol/messages/describe_client_quotas.h"

namespace milena::metadata {

inline constexpr ByteView kQuotaUser = "user";
inline constexpr ByteView kQuotaClientId = "client-id";
inline constexpr ByteView kQuotaIp = "ip";

inline constexpr ByteView kProducerByteRate = "producer_byte_rate";
inline constexpr ByteView kConsumerByteRate = "consumer_byte_rate";
inline constexpr ByteView kRequestPercentage = "request_percentage";
inline constexpr ByteView kControllerMutationRate = "controller_mutation_rate";
inline constexpr ByteView kConnectionCreationRate = "connection_creation_rate";

// The quota of a client, and the clients that share it: all clients of a user share one meter if the quota is the
// user's; each client id has its own if the quota is for client ids.
struct ClientQuota {
  double bound = 0;
  Bytes user;       // empty: any user
  Bytes client_id;  // empty: any client id
};

// The most specific quota of that key: of user and client id, of the user, of the client id; a name before the default.
std::optional<ClientQuota> find_client_quota(const std::map<QuotaEntity, QuotaMap>& quotas, ByteView key, ByteView user,
                                             ByteView client_id);
// Connections per second from that address, which is written as IpAddress does it; the default's if it has none of its
// own.
std::optional<double> find_ip_quota(const std::map<QuotaEntity, QuotaMap>& quotas, ByteView ip);

DescribeClientQuotasResponse describe_client_quotas(const std::map<QuotaEntity, QuotaMap>& quotas,
                                                    const DescribeClientQuotasRequest& request);

// Why a value is invalid for the key and these types of entities; nullopt if it is valid.
std::optional<Bytes> refuse_quota_value(bool of_ip, ByteView key, double value);

}  // namespace milena::metadata
