// The little that the server understands of what consumers tell each other: the topics of a subscription. Its version 0 is
// the beginning of every later version, so only that is read (Kafka: ClassicGroup.computeSubscribedTopics).
#pragma once

#include <set>

#include "base/bytes.h"

namespace milena {

// Adds the topics of an embedded ConsumerProtocolSubscription; false if it cannot be one.
bool read_subscribed_topics(ByteView metadata, std::set<Bytes, std::less<>>& topics);

}  // namespace milena
