// MessageMaker: bytes of a message with random content, directly from its description. It has its own encoder, so that
// mistakes in Writer or in generated code are found.
#pragma once

#include <random>
#include <vector>

#include "protocol/message_catalog.h"

namespace milena::testing {

enum class Fill {
  kMixed,   // everything that the description allows, extremes among it
  kSparse,  // many elements of the least size, which array bounds must accept
};

struct MadeMessage {
  Bytes bytes;
  std::vector<size_t> array_counts;  // position of each array's count in bytes
};

class MessageMaker {
 public:
  explicit MessageMaker(uint64_t seed, Fill fill = Fill::kMixed) : random_(seed), other_random_(seed), fill_(fill) {}

  // With unknown_tags, unknown tagged fields are mixed in; the rest is the same as without.
  MadeMessage make(const MessageDescription& message, int16_t version, bool unknown_tags = false);

 private:
  void structure(const StructDescription& description, bool all_set);
  void element(const FieldDescription& description, bool set);
  void value(const FieldDescription& description, bool set);
  void tags(const StructDescription& description);
  void length(size_t size);
  void null_length(bool string);
  void number(const FieldDescription& description, bool set, int bytes);
  void text(bool set);
  void raw(size_t size);
  void unsigned_varint(uint32_t value);
  void big_endian(uint64_t value, int bytes);
  uint64_t below(uint64_t bound) { return random_() % bound; }

  std::mt19937_64 random_;
  std::mt19937_64 other_random_;  // for parts that must not change the rest
  Fill fill_;
  int16_t version_ = 0;
  bool flexible_ = false;
  bool unknown_tags_ = false;
  int depth_ = 0;
  MadeMessage made_;
};

}  // namespace milena::testing
