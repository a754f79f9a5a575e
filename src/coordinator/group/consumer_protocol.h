// The embedded messages of consumers with the classic protocol that the server reads: subscriptions and assignments.
// Later versions begin like the last one that we know (Kafka's ConsumerProtocol).
#pragma once

#include <optional>
#include <set>

#include "base/bytes.h"
#include "protocol/messages/group/consumer_protocol_assignment.h"
#include "protocol/messages/group/consumer_protocol_subscription.h"

namespace milena::coordinator {

// Adds the topics of a subscription; false if it is invalid. Reads only the fields of version 0, which begin every
// later one (Kafka: ClassicGroup.computeSubscribedTopics).
bool read_subscribed_topics(ByteView metadata, std::set<Bytes, std::less<>>& topics);

// Nothing if it is invalid.
std::optional<ConsumerProtocolSubscription> read_subscription(ByteView metadata);
std::optional<ConsumerProtocolAssignment> read_assignment(ByteView assignment);

// In the version of the member's subscription.
Bytes write_assignment_for(ByteView subscription, const ConsumerProtocolAssignment& assignment);

}  // namespace milena::coordinator
