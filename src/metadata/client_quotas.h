// Client quotas (KIP-546, KIP-599, KIP-612): which entities and keys there are, which quota holds for whom, and what
// DescribeClientQuotas answers. Pure; the quotas themselves are in the image, their changes in controller_quotas.cc.
// Sources: Kafka's ClientQuotasImage, DefaultQuotaCallback, QuotaConfig.
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

// The bound that holds for a client, and who shares it: all clients of a user have one meter where the quota is the
// user's, each client id its own where the quota names client ids.
struct ClientQuota {
  double bound = 0;
  Bytes user;       // empty: whatever the user
  Bytes client_id;  // empty: whatever the client id
};

// The strongest quota of that key: of user and client id, of the user, of the client id; a name before the default.
std::optional<ClientQuota> find_client_quota(const std::map<QuotaEntity, QuotaMap>& quotas, ByteView key, ByteView user,
                                             ByteView client_id);
// Connections a second from that address; the default's, where it has none of its own.
std::optional<double> find_ip_quota(const std::map<QuotaEntity, QuotaMap>& quotas, ByteView ip);

DescribeClientQuotasResponse describe_client_quotas(const std::map<QuotaEntity, QuotaMap>& quotas,
                                                    const DescribeClientQuotasRequest& request);

// Why a value cannot be one of that key for entities of these types; nullopt if it can.
std::optional<Bytes> refuse_quota_value(bool of_ip, ByteView key, double value);

}  // namespace milena::metadata
