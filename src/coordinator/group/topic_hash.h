// Hashes of the topics' properties that assignments depend on: ids, names, partitions and their racks. A consumer group
// stores the hash of its subscribed topics with its epoch; if it changes, the group needs a new assignment (KIP-1101).
// The values are those of Kafka's group.Utils.computeTopicHash and computeGroupHash (XXH3, 64 bits), because they are
// in the log. Pure functions.
#pragma once

#include <cstdint>
#include <map>

#include "base/bytes.h"
#include "metadata/image.h"

namespace milena::coordinator {

int64_t hash_of_topic(const metadata::MetadataImage& image, const metadata::TopicImage& topic);
// The hash of topic hashes by name; 0 for none.
int64_t hash_of_topics(const std::map<ByteView, int64_t>& topics);

}  // namespace milena::coordinator
