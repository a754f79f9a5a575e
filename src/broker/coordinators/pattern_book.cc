#include "broker/coordinators/pattern_book.h"

#include <utility>

#include "base/out_of_memory.h"
#include "broker/shard_context.h"

namespace milena::broker {
namespace {

// Steps of a matcher that tries the whole pattern at each letter; a step takes a few nanoseconds.
constexpr size_t kMaxStepsHere = 4'000'000;
// A pattern that needs more memory takes long to compile.
constexpr int64_t kMaxBytesHere = 256 << 10;
constexpr int64_t kLongestLookUp_ms = 2000;
constexpr int kMaxUnderWay = 16;
constexpr size_t kMaxPages = 1000;

coordinator::PatternMatches match_all(const coordinator::TopicRegex& regex, const std::vector<Bytes>& names,
                                      const Clock& clock, int64_t end_ms) {
  coordinator::PatternMatches matches;
  for (const Bytes& name : names) {
    if (regex.matches(name)) matches.topics.insert(name);
    if (clock.steady_ms() > end_ms) return {.error = "it takes too long to match", .topics = {}};
  }
  return matches;
}

}  // namespace

void PatternBook::forget() {
  edition_++;
  pages_.clear();
  names_ = nullptr;
}

void PatternBook::list_names() {
  auto names = std::make_shared<std::vector<Bytes>>();
  names_bytes_ = 0;
  for (const metadata::TopicImage& topic : shard_.image().topics()) {
    names->push_back(topic.name);
    names_bytes_ += topic.name.size();
  }
  names_ = std::move(names);
}

std::optional<coordinator::PatternMatches> PatternBook::find(ByteView pattern) {
  const Bytes key(pattern);
  if (auto known = pages_.find(key); known != pages_.end()) return known->second.matches;
  if (under_way_ >= kMaxUnderWay) return std::nullopt;
  if (pages_.size() >= kMaxPages) pages_.clear();
  if (names_ == nullptr) list_names();
  const coordinator::TopicRegex regex(pattern, kMaxBytesHere);
  Page& page = pages_[key];
  if (regex.is_too_large()) {
    look_up_elsewhere(key);
  } else if (regex.error()) {
    page.matches = coordinator::PatternMatches{.error = regex.error(), .topics = {}};
  } else if (regex.size() * names_bytes_ <= kMaxStepsHere) {
    page.matches = match_all(regex, *names_, shard_.executor().clock(), INT64_MAX);
  } else {
    look_up_elsewhere(key);
  }
  return page.matches;
}

void PatternBook::look_up_elsewhere(const Bytes& pattern) {
  under_way_++;
  auto matches = std::make_shared<coordinator::PatternMatches>();
  shard_.executor().run_computation(
      [pattern, matches, names = names_, &clock = shard_.executor().clock()] {
        const bool fits = fits_into_memory([&] {
          const coordinator::TopicRegex regex(pattern);
          *matches = regex.error() ? coordinator::PatternMatches{.error = regex.error(), .topics = {}}
                                   : match_all(regex, *names, clock, clock.steady_ms() + kLongestLookUp_ms);
        });
        if (!fits) *matches = {.error = "not enough memory", .topics = {}};
      },
      [this, pattern, matches, edition = edition_] {
        under_way_--;
        if (edition == edition_) pages_[pattern].matches = std::move(*matches);
      });
}

}  // namespace milena::broker
