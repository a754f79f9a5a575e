#include "coordinator/consumer_protocol.h"

#include <utility>

#include "protocol/messages/group/consumer_protocol_subscription.h"
#include "protocol/reader.h"

namespace milena {

bool read_subscribed_topics(ByteView metadata, std::set<Bytes, std::less<>>& topics) {
  Reader reader(metadata);
  const int16_t version = reader.read_int16();
  if (!reader.ok() || version < 0) return false;
  ConsumerProtocolSubscription subscription;
  subscription.read(reader, 0);
  if (!reader.ok()) return false;
  for (Bytes& topic : subscription.topics) topics.insert(std::move(topic));
  return true;
}

}  // namespace milena
