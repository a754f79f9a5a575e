#include "coordinator/group/topic_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <vector>

#include "coordinator/group/java_string.h"

namespace milena::coordinator {
namespace {

// Collects the input of Kafka's hash stream: numbers with the low byte first, text as UTF-16 units followed by their
// count.
class HashInput {
 public:
  void put_byte(uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void put_int(int32_t value) { put(static_cast<uint32_t>(value), 4); }
  void put_long(uint64_t value) { put(value, 8); }
  void put_string(ByteView text) {
    int32_t length = 0;
    for_each_utf16_unit(text, [&](uint16_t unit) {
      put(unit, 2);
      ++length;
    });
    put_int(length);
  }
  int64_t hash() const { return static_cast<int64_t>(XXH3_64bits(bytes_.data(), bytes_.size())); }

 private:
  void put(uint64_t value, int size) {
    for (int i = 0; i < size; ++i) put_byte(static_cast<uint8_t>(value >> (8 * i)));
  }
  Bytes bytes_;
};

constexpr uint8_t kTopicHashMagic = 0;

}  // namespace

int64_t hash_of_topic(const metadata::MetadataImage& image, const metadata::TopicImage& topic) {
  HashInput input;
  input.put_byte(kTopicHashMagic);
  input.put_long(topic.id.hi);
  input.put_long(topic.id.lo);
  input.put_string(topic.name);
  input.put_int(topic.partition_count());
  std::vector<ByteView> racks;
  for (int32_t number = 0; number < topic.partition_count(); ++number) {
    input.put_int(number);
    const metadata::PartitionImage* partition = topic.partition(number);
    if (partition == nullptr) continue;
    racks.clear();
    for (int32_t replica : partition->replicas) {
      const metadata::BrokerImage* broker = image.find_broker(replica);
      if (broker != nullptr && broker->rack) racks.push_back(*broker->rack);
    }
    std::sort(racks.begin(), racks.end());
    for (ByteView rack : racks) {
      input.put_int(static_cast<int32_t>(utf16_length(rack)));
      input.put_string(rack);
    }
  }
  return input.hash();
}

int64_t hash_of_topics(const std::map<ByteView, int64_t>& topics) {
  if (topics.empty()) return 0;
  HashInput input;
  for (const auto& [name, hash] : topics) input.put_long(static_cast<uint64_t>(hash));
  return input.hash();
}

}  // namespace milena::coordinator
