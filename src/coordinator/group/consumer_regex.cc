// ConsumerGroups: subscriptions by pattern. The topics that match a pattern are stored with the group, so that the
// assignment of the members depends on records alone; patterns are resolved again after topics were created, and from
// time to time.
//
// Kafka resolves patterns asynchronously, and a member with a new pattern gets its topics a heartbeat later. Here a new
// pattern is resolved within the heartbeat that names it, if the PatternMatcher has the answer at once; with
// milena.strict.kafka, within the next.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "coordinator/group/consumer_records.h"
#include "coordinator/group/consumer_step.h"
#include "coordinator/group/planted_group_bugs.h"
#include "coordinator/group/topic_regex.h"

namespace milena::coordinator {
namespace {

// Of all patterns of a group.
constexpr int64_t kShortestRefresh_ms = 10'000;

}  // namespace

MaybeRefusal ConsumerGroups::update_regexes(const Caller& caller, Step& step) {
  const ConsumerGroup& group = *step.group;
  const Bytes before(step.before.pattern());
  const Bytes after(step.after.pattern());
  step.regex_changed = step.before.regex != step.after.regex;
  std::set<Bytes, std::less<>> wanted;
  if (step.regex_changed) {
    if (!before.empty() && before != after && group.regex_subscribers(before) == 1) {
      step.turn.write(make_regex_tombstone(group.id(), before));
      step.regexes[before] = std::nullopt;
    }
    if (!after.empty() && step.resolved(after) == nullptr) {
      const std::optional<PatternMatches> matches = match_pattern(after);
      if (matches && matches->error) {
        return Refusal{ErrorCode::kInvalidRegularExpression, "SubscribedTopicRegex `" + after +
                                                                 "` is not a valid regular expression: " +
                                                                 *matches->error + "."};
      }
      if (!config().strict_kafka) wanted.insert(after);
    }
    const bool known = after.empty() || step.resolved(after) != nullptr || wanted.contains(after);
    if (before != after && known) step.new_assignment_needed = true;
  }

  // Resolves all, if one has waited long enough.
  int64_t oldest_ms = step.turn.now.wall_ms;
  int64_t oldest_version = image_version_;
  for (const auto& [regex, resolved] : group.resolved_regexes()) {
    // A clock that was set back counts as a long time.
    oldest_ms = std::min(oldest_ms, resolved.timestamp_ms > step.turn.now.wall_ms ? 0 : resolved.timestamp_ms);
    oldest_version = std::min(oldest_version, resolved.version);
  }
  // A pattern that was never resolved: its coordinator, of Kafka, was stopped before that. With milena.strict.kafka,
  // one of an earlier heartbeat.
  for (const auto& [regex, count] : group.regex_subscribers()) {
    if (step.regexes.count(regex) == 0 && step.resolved(regex) == nullptr) wanted.insert(regex);
  }
  const int64_t age_ms = step.turn.now.wall_ms - oldest_ms;
  const bool due = age_ms > kShortestRefresh_ms && (oldest_version < image_version_with_new_topics_ ||
                                                    age_ms > config().consumer.regex_refresh_interval_ms);
  if (due && !MILENA_GROUP_BUG(kPatternsAreNotRefreshed)) {
    for (const auto& [regex, count] : group.regex_subscribers()) wanted.insert(regex);
    if (step.regexes.count(before) > 0) wanted.erase(before);
  }
  if (!wanted.empty()) resolve_regexes(caller, step, wanted);
  return std::nullopt;
}

std::optional<PatternMatches> ConsumerGroups::match_pattern(const Bytes& pattern) const {
  if (pattern_matcher_) return pattern_matcher_(pattern);
  const TopicRegex regex(pattern);
  PatternMatches matches{.error = regex.error(), .topics = {}};
  for (const metadata::TopicImage& topic : image().topics()) {
    if (regex.matches(topic.name)) matches.topics.insert(topic.name);
  }
  return matches;
}

// Only topics that the client may see, as in Kafka: all members of the group get the same.
void ConsumerGroups::resolve_regexes(const Caller& caller, Step& step,
                                     const std::set<Bytes, std::less<>>& regexes) {
  for (const Bytes& regex : regexes) {
    std::optional<PatternMatches> matches = match_pattern(regex);
    if (!matches) continue;  // a later heartbeat asks again
    ResolvedRegex resolved{.topics = {}, .version = image_version_, .timestamp_ms = step.turn.now.wall_ms};
    const ResolvedRegex* known = step.resolved(regex);
    if (known != nullptr && matches->error) {
      // From the log of a broker that could parse it: its topics stay unchanged.
      log_warn("Group {}: pattern {} cannot be read: {}", step.group->id(), regex, *matches->error);
      resolved.topics = known->topics;
    } else {
      resolved.topics = std::move(matches->topics);
      if (topic_filter_) std::erase_if(resolved.topics, [&](ByteView topic) { return !topic_filter_(caller, topic); });
    }
    if (known == nullptr || known->topics != resolved.topics) {
      log_info("Group {}: pattern {} matches {} topics", step.group->id(), regex, resolved.topics.size());
      step.new_assignment_needed = true;
    }
    step.turn.write(make_regex_record(step.group->id(), regex, resolved));
    step.regexes[regex] = std::move(resolved);
  }
}

}  // namespace milena::coordinator
