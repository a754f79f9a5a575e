// The little that the server understands of what consumers with the classic protocol tell each other in the embedded
// messages: their subscriptions and assignments. A later version than those we know begins as the last one we know does
// (Kafka's ConsumerProtocol).
#pragma once

#include <optional>
#include <set>

#include "base/bytes.h"
#include "protocol/messages/group/consumer_protocol_assignment.h"
#include "protocol/messages/group/consumer_protocol_subscription.h"

namespace milena::coordinator {

// Adds the topics of a subscription; false if it cannot be one. Reads no more than version 0 has, the beginning of
// every later one (Kafka: ClassicGroup.computeSubscribedTopics).
bool read_subscribed_topics(ByteView metadata, std::set<Bytes, std::less<>>& topics);

// Nothing if it cannot be one.
std::optional<ConsumerProtocolSubscription> read_subscription(ByteView metadata);
std::optional<ConsumerProtocolAssignment> read_assignment(ByteView assignment);

// In the version in which the member sent its subscription.
Bytes write_assignment_for(ByteView subscription, const ConsumerProtocolAssignment& assignment);

}  // namespace milena::coordinator
