// Hashes of what assignments depend on: topics' ids, names, partitions and their racks. A consumer group stores the
// hash of the topics it subscribes to with its epoch; when it comes out differently, the group needs a new assignment
// (KIP-1101). The numbers are those of Kafka's group.Utils.computeTopicHash and computeGroupHash (XXH3, 64 bits),
// because they are in the log. Pure functions.
#pragma once

#include <cstdint>
#include <map>

#include "base/bytes.h"
#include "metadata/image.h"

namespace milena::coordinator {

int64_t hash_of_topic(const metadata::MetadataImage& image, const metadata::TopicImage& topic);
// Of topic hashes by name; 0 for none.
int64_t hash_of_topics(const std::map<ByteView, int64_t>& topics);

}  // namespace milena::coordinator
