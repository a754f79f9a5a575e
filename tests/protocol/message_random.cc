#include "protocol/message_random.h"

#include <algorithm>
#include <array>

namespace milena::testing {

namespace {

constexpr uint32_t kFirstUnknownTag = 100;

}  // namespace

MadeMessage MessageMaker::make(const MessageDescription& message, int16_t version, bool unknown_tags) {
  version_ = version;
  flexible_ = message.flexible(version);
  unknown_tags_ = unknown_tags;
  depth_ = 0;
  made_ = {};
  structure(*message.root, false);
  return std::move(made_);
}

// all_set: no field may have its default, because the whole is a tagged field and would vanish if it were its default.
void MessageMaker::structure(const StructDescription& description, bool all_set) {
  ++depth_;
  for (const FieldDescription& one : description.fields) {
    if (one.versions.has(version_) && !one.tagged.has(version_)) value(one, all_set);
  }
  if (flexible_) tags(description);
  --depth_;
}

void MessageMaker::tags(const StructDescription& description) {
  std::vector<const FieldDescription*> chosen;
  for (const FieldDescription& one : description.fields) {
    if (one.tagged.has(version_) && fill_ == Fill::kMixed && below(2) == 0) chosen.push_back(&one);
  }
  std::sort(chosen.begin(), chosen.end(), [](auto* a, auto* b) { return a->tag < b->tag; });
  const uint32_t unknown = unknown_tags_ ? static_cast<uint32_t>(other_random_() % 3) : 0;
  unsigned_varint(static_cast<uint32_t>(chosen.size()) + unknown);
  for (const FieldDescription* one : chosen) {
    unsigned_varint(one->tag);
    const size_t start = made_.bytes.size();
    const size_t counts = made_.array_counts.size();
    value(*one, true);
    const Bytes content = made_.bytes.substr(start);
    made_.bytes.resize(start);
    made_.array_counts.resize(counts);  // moved by the size in front of them: not tracked
    unsigned_varint(static_cast<uint32_t>(content.size()));
    made_.bytes += content;
  }
  for (uint32_t i = 0; i < unknown; ++i) {
    unsigned_varint(kFirstUnknownTag + i);
    const size_t size = other_random_() % 200;
    unsigned_varint(static_cast<uint32_t>(size));
    for (size_t j = 0; j < size; ++j) made_.bytes.push_back(static_cast<char>(other_random_()));
  }
}

// set: the value must differ from the default.
void MessageMaker::value(const FieldDescription& description, bool set) {
  const bool string = description.type == FieldType::kString && !description.array;
  const bool structure_alone = description.type == FieldType::kStruct && !description.array;
  const bool in_tag = description.tagged.has(version_);
  if (description.nullable.has(version_)) {
    const bool may_be_null = !set || !description.default_null;
    const bool null = may_be_null && (fill_ == Fill::kSparse || below(4) == 0);
    if (structure_alone) {
      made_.bytes.push_back(null ? (in_tag ? 0 : -1) : 1);
      if (null) return;
    } else if (null) {
      return null_length(string);
    }
  }
  if (!description.array) return element(description, set);
  size_t count = set ? 1 + below(3) : below(4);
  if (fill_ == Fill::kSparse) count = depth_ == 1 ? 40 : 0;
  if (depth_ > 4) count = set ? 1 : 0;
  made_.array_counts.push_back(made_.bytes.size());
  length(count);
  for (size_t i = 0; i < count; ++i) element(description, false);
}

void MessageMaker::element(const FieldDescription& description, bool set) {
  switch (description.type) {
    case FieldType::kBool:
      if (set) return made_.bytes.push_back(description.default_number == 0 ? 1 : 0);
      return made_.bytes.push_back(static_cast<char>(below(2)));
    case FieldType::kInt8: return number(description, set, 1);
    case FieldType::kInt16:
    case FieldType::kUint16: return number(description, set, 2);
    case FieldType::kInt32:
    case FieldType::kUint32: return number(description, set, 4);
    case FieldType::kInt64: return number(description, set, 8);
    case FieldType::kFloat64: {
      // No NaN: it does not equal itself.
      const double one = static_cast<double>(static_cast<int64_t>(random_())) / 7;
      return big_endian(std::bit_cast<uint64_t>(one), 8);
    }
    case FieldType::kUuid: big_endian(random_() | 1, 8); return big_endian(random_(), 8);
    case FieldType::kString: return text(set);
    case FieldType::kBytes:
    case FieldType::kRecords: {
      const size_t size = fill_ == Fill::kSparse ? 0 : set ? 1 + below(9) : below(300);
      length(size);
      return raw(size);
    }
    case FieldType::kStruct: return structure(*description.structure, set);
  }
}

void MessageMaker::number(const FieldDescription& description, bool set, int bytes) {
  constexpr std::array<uint64_t, 6> kSpecial{0, 1, ~uint64_t{0}, 0x7fff, 0x7fffffff, 0x7fffffffffffffff};
  uint64_t chosen = below(3) == 0 ? kSpecial[below(kSpecial.size())] : random_();
  if (set && !description.array) chosen = static_cast<uint64_t>(description.default_number) + 1 + below(100);
  big_endian(chosen, bytes);
}

// Valid UTF-8, because Kafka's own classes must keep it too.
void MessageMaker::text(bool set) {
  constexpr std::array<const char*, 6> kPieces{"a", "topic-", "Z9", "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80"};
  Bytes text;
  size_t pieces = set ? 1 + below(4) : below(8) == 0 ? below(80) : below(5);
  if (fill_ == Fill::kSparse) pieces = 0;
  for (size_t i = 0; i < pieces; ++i) text += kPieces[below(kPieces.size())];
  if (flexible_) {
    unsigned_varint(static_cast<uint32_t>(text.size() + 1));
  } else {
    big_endian(text.size(), 2);
  }
  made_.bytes += text;
}

void MessageMaker::raw(size_t size) {
  for (size_t i = 0; i < size; ++i) made_.bytes.push_back(static_cast<char>(random_()));
}

void MessageMaker::length(size_t size) {
  if (flexible_) {
    unsigned_varint(static_cast<uint32_t>(size + 1));
  } else {
    big_endian(size, 4);
  }
}

void MessageMaker::null_length(bool string) {
  if (flexible_) {
    made_.bytes.push_back(0);
  } else {
    big_endian(~uint64_t{0}, string ? 2 : 4);
  }
}

void MessageMaker::unsigned_varint(uint32_t value) {
  while (value > 127) {
    made_.bytes.push_back(static_cast<char>(value % 128 + 128));
    value /= 128;
  }
  made_.bytes.push_back(static_cast<char>(value));
}

void MessageMaker::big_endian(uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) made_.bytes.push_back(static_cast<char>(value >> shift));
}

}  // namespace milena::testing
