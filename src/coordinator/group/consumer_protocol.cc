#include "coordinator/group/consumer_protocol.h"

#include <algorithm>
#include <utility>

#include "coordinator/answer_room.h"
#include "protocol/reader.h"
#include "protocol/writer.h"

namespace milena::coordinator {
namespace {

template <class Message>
std::optional<Message> read_embedded(ByteView bytes) {
  Reader reader(bytes);
  reader.limit_arrays(AnswerRoom::kBytes);
  const int16_t version = reader.read_int16();
  if (!reader.ok() || version < Message::kMinVersion) return std::nullopt;
  Message message;
  message.read(reader, std::min(version, Message::kMaxVersion));
  if (!reader.ok()) return std::nullopt;
  return message;
}

}  // namespace

std::optional<ConsumerProtocolSubscription> read_subscription(ByteView metadata) {
  return read_embedded<ConsumerProtocolSubscription>(metadata);
}

std::optional<ConsumerProtocolAssignment> read_assignment(ByteView assignment) {
  return read_embedded<ConsumerProtocolAssignment>(assignment);
}

Bytes write_assignment_for(ByteView subscription, const ConsumerProtocolAssignment& assignment) {
  const int16_t asked = Reader(subscription).read_int16();
  const int16_t version =
      std::clamp(asked, ConsumerProtocolAssignment::kMinVersion, ConsumerProtocolAssignment::kMaxVersion);
  Bytes bytes;
  append_big_endian(bytes, version);
  return bytes + write_message(assignment, version);
}

bool read_subscribed_topics(ByteView metadata, std::set<Bytes, std::less<>>& topics) {
  Reader reader(metadata);
  reader.limit_arrays(AnswerRoom::kBytes);
  const int16_t version = reader.read_int16();
  if (!reader.ok() || version < 0) return false;
  ConsumerProtocolSubscription subscription;
  subscription.read(reader, 0);
  if (!reader.ok()) return false;
  for (Bytes& topic : subscription.topics) topics.insert(std::move(topic));
  return true;
}

}  // namespace milena::coordinator
