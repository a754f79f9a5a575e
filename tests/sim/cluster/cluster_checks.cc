// Checks after each step of a node.
#include <fmt/format.h>

#include <algorithm>

#include "broker/controller/metadata_runtime.h"
#include "broker/replica/partition.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "sim/cluster/cluster_simulator.h"
#include "sim/cluster/disk_log.h"

namespace milena::sim {
namespace {

bool holds(const std::vector<int32_t>& list, int32_t id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

std::string text_of(const std::vector<int32_t>& ids) {
  std::string text;
  for (const int32_t id : ids) text += fmt::format("{}{}", text.empty() ? "" : ",", id);
  return text;
}

// The replicas that may lead next without a loss.
std::vector<int32_t> members(const metadata::PartitionImage& image) {
  std::vector<int32_t> all = image.isr.to_vector();
  for (const int32_t id : image.extras().eligible_leader_replicas) all.push_back(id);
  if (all.empty()) all = image.extras().last_known_elr;
  return all;
}

std::string_view name_of(TransactionEnd end) { return end == TransactionEnd::kCommit ? "committed" : "aborted"; }

}  // namespace

// Whether the log may lack a record: that of a compacted topic, or of one whose records may be deleted.
bool ClusterSimulator::may_be_gone(const PartitionState& state, int64_t offset, const Entry& entry) const {
  if (offset < state.deletable) return true;
  if (!state.compacts) return false;
  if (entry.number < 0) return true;
  const SentRecord& sent = sent_.at(entry.number);
  const auto transaction = transactions_.find(sent.transaction);
  if (transaction != transactions_.end() && transaction->second.is != TransactionEnd::kCommit) {
    return transaction->second.is == TransactionEnd::kAbort || transaction->second.excused;
  }
  const auto last = state.last_of_key.find(sent.key);
  return last != state.last_of_key.end() && last->second > offset;
}

bool ClusterSimulator::lacks(const PartitionState& state, const LogEntries& log, int64_t offset,
                             const Entry& entry) const {
  const auto there = log.find(offset);
  return there == log.end() ? !may_be_gone(state, offset, entry) : !(there->second == entry);
}

// The first settled record that the log lacks; the end of what is settled if it has all. A deletion that was asked for
// may not have been done: a log that ends before has lost what it had.
int64_t ClusterSimulator::first_missing(const PartitionState& state, const DiskLog& log) const {
  const int64_t end = std::min(log.end, state.settled_end());
  for (const auto& [offset, entry] : state.settled) {
    if (offset >= end) break;
    if (offset >= state.deletable && lacks(state, log.entries, offset, entry)) return offset;
  }
  return end;
}

const metadata::PartitionImage* ClusterSimulator::image_of(const PartitionId& id) const {
  const metadata::TopicImage* topic = metadata_.image().find_topic(id.first);
  return topic == nullptr ? nullptr : topic->partition(id.second);
}

std::string ClusterSimulator::describe(const PartitionId& id) {
  const auto state = partitions_.find(id);
  const metadata::PartitionImage* image = image_of(id);
  if (state == partitions_.end() || image == nullptr) return "a deleted partition";
  return fmt::format("{} (leader {} in {}, in sync {}, of {}, settled {})", state->second.name, image->leader,
                     image->leader_epoch, text_of(image->isr.to_vector()), text_of(image->replicas.to_vector()),
                     state->second.settled_end());
}

// --- what the controller decides: its log, record by record

void ClusterSimulator::follow_controller() {
  ClusterNode& controller = node(plan_.controller());
  if (controller.node_or_null() == nullptr || controller.leaving()) return;
  const int64_t end = controller.node().metadata().committed_end();
  if (end <= metadata_end_) return;
  for_each_batch(controller.disk(), "/a/__cluster_metadata-0", metadata_end_, [&](const RecordBatchView& batch) {
    const BatchHeader& header = batch.header();
    if (header.base_offset < metadata_end_ || header.next_offset() > end) return;
    if (header.is_control()) return metadata_.skip_to(header.last_offset(), header.partition_leader_epoch);
    auto records = metadata::decode_metadata_batch(batch);
    CHECK(records.ok(), "{}", records.error().message);
    // One at a time: each is a state of the cluster.
    for (metadata::MetadataRecord& record : *records) {
      metadata::ImageDelta delta;
      metadata::MetadataRecords one;
      one.push_back(std::move(record));
      Status applied = metadata_.replay(std::move(one), header.last_offset(), header.partition_leader_epoch, delta);
      CHECK(applied.ok(), "{}", applied.error().message);
      for (const auto& topic : delta.topics_deleted) {
        std::erase_if(partitions_, [&](const auto& known) { return known.first.first == topic.id; });
      }
      for (const auto& changed : delta.partitions) {
        const metadata::TopicImage* topic = metadata_.image().find_topic(changed.key.topic_id);
        if (topic != nullptr) on_partition_change(*topic, changed.key.partition);
      }
    }
  });
  metadata_end_ = end;
}

void ClusterSimulator::on_partition_change(const metadata::TopicImage& topic, int32_t number) {
  const PartitionId id{topic.id, number};
  const metadata::PartitionImage& image = *topic.partition(number);
  auto [at, is_new] = partitions_.try_emplace(id);
  PartitionState& state = at->second;
  if (is_new) {
    state.name = fmt::format("{}-{}", topic.name, number);
    state.internal = topic.internal;
    for (const TopicPlan& plan : plan_.topics) {
      if (plan.name != topic.name) continue;
      state.min_in_sync = plan.min_in_sync;
      state.unclean = plan.unclean;
      state.compacts = plan.compacts;
      state.retention_ms = plan.retention_ms;
    }
  }
  if (image.leader_epoch < state.epoch_seen) {
    return fail(fmt::format("{}: leader epoch {} after {}", state.name, image.leader_epoch, state.epoch_seen));
  }
  const int32_t epoch_before = state.epoch_seen;
  const bool elected = image.leader_epoch > state.epoch_seen;
  const std::vector<int32_t> before = state.members;
  state.members = members(image);
  // If no replica is eligible any more, the last leader leads again.
  const bool led_last = state.last_known == std::vector<int32_t>{image.leader};
  state.last_known = image.extras().last_known_elr;
  if (elected && image.leader >= 0) {
    elections_++;
    state.leaders[image.leader_epoch] = image.leader;
    // At the end of a reassignment a replica may join the ISR and become leader at once.
    if (!is_new && !led_last && !holds(before, image.leader) && image.leader_recovery_state != 0) {
      note(fmt::format("{}: {} is elected uncleanly", state.name, image.leader));
      if (!state.unclean) {
        return fail(fmt::format("{}: {} leads, and was none of those that may ({})", state.name, image.leader,
                                text_of(before)));
      }
      const int64_t from = first_missing(state, read_disk_log(node(image.leader).disk(), state.name, id.first));
      state.unsure_from = std::min(state.unsure_from.value_or(from), from);
      state.unsure_in_epoch = std::max(state.unsure_in_epoch, state.epoch_seen);
    }
  }
  // A replica that joins the ISR has everything again; a last leader that leads again has what its disk kept.
  for (const int32_t member : image.isr) {
    const bool as_last = elected && led_last && member == image.leader;
    if (!holds(before, member) && !as_last) state.forgot_from.erase(member);
  }
  state.epoch_seen = image.leader_epoch;
  note(fmt::format("controller: {} partition epoch {}, eligible {}, last known {}", describe(id), image.partition_epoch,
                   text_of(image.extras().eligible_leader_replicas), text_of(image.extras().last_known_elr)));
  consider_loss(state, epoch_before);
}

// --- power

void ClusterSimulator::note_power_loss(ClusterNode& node, const std::function<void()>& lose) {
  lose();
  for (auto& [id, state] : partitions_) {
    const metadata::PartitionImage* image = image_of(id);
    if (image == nullptr || !image->replicas.contains(node.id())) continue;
    const int64_t from = first_missing(state, read_disk_log(node.disk(), state.name, id.first));
    auto [at, first] = state.forgot_from.try_emplace(node.id(), from);
    at->second = std::min(at->second, from);
    note(fmt::format("{} at node {} is good up to {}", state.name, node.id(), from));
    consider_loss(state, state.epoch_seen);
  }
}

// Records may be gone where every replica that may lead lost power since it had them: Kafka promises what enough
// replicas hold, and none of them syncs before it says so. A leader of a later epoch
// shows the records that are left.
void ClusterSimulator::consider_loss(PartitionState& state, int32_t in_epoch) {
  if (state.members.empty()) return;
  int64_t from = INT64_MAX;
  for (const int32_t member : state.members) {
    const auto forgot = state.forgot_from.find(member);
    if (forgot == state.forgot_from.end()) return;
    from = std::min(from, forgot->second);
  }
  if (from >= state.settled_end()) return;
  if (state.unsure_from && *state.unsure_from <= from) return;
  if (!state.unsure_from) state.unsure_in_epoch = std::max(state.unsure_in_epoch, in_epoch);
  state.unsure_from = from;
  note(fmt::format("{}: what is behind {} may be lost", state.name, from));
}

// A leader tells what is left. The others' disks have still forgotten what they have not fetched again.
void ClusterSimulator::resolve(int leader, PartitionState& state, const DiskLog& log) {
  const int64_t from = first_missing(state, log);
  if (from < state.settled_end()) {
    cut_settled(state, from);
    // Compaction takes a record for a newer one of its key, which may not be synced, and is lost now (Kafka's, too).
    std::erase_if(state.settled, [&](const auto& one) {
      if (!state.compacts || log.entries.contains(one.first)) return false;
      if (one.second.number >= 0) state.lost.insert(one.second.number);
      return true;
    });
  }
  // Records may be left behind lost ones. Nothing on the disk tells such a gap from one that compaction made, and
  // nobody else may have what is behind it: a leader keeps that (PartitionLog::cut_at_gap()), as in Kafka.
  state.holes.clear();
  for (int64_t offset = from; offset < log.end; offset++) {
    if (!log.entries.contains(offset)) state.holes.insert(offset);
  }
  state.unsure_from.reset();
  state.forgot_from.erase(leader);
}

void ClusterSimulator::cut_settled(PartitionState& state, int64_t from) {
  note(fmt::format("{}: from {} on, records are lost", state.name, from));
  state.was_reset = true;
  std::set<int64_t> markers_of;  // the producers of lost markers
  for (auto at = state.settled.lower_bound(from); at != state.settled.end(); at = state.settled.erase(at)) {
    if (at->second.kind == EntryKind::kCommit || at->second.kind == EntryKind::kAbort)
      markers_of.insert(at->second.producer);
    if (at->second.number < 0) continue;
    state.lost.insert(at->second.number);
    state.offset_of.erase(at->second.number);
  }
  state.last_of_producer.clear();
  state.open.clear();
  state.last_of_key.clear();
  for (const auto& [offset, entry] : state.settled) {
    if (entry.number < 0) continue;
    state.last_of_key[sent_[entry.number].key] = offset;
    const auto of = transactions_.find(sent_[entry.number].transaction);
    // Its coordinator knows that it has ended.
    if (of != transactions_.end() && markers_of.contains(entry.producer)) of->second.end_lost = true;
  }
  excuse_transactions(state);
}

// Of a transaction that has lost a marker or records nothing is promised; of none where its coordinator has.
void ClusterSimulator::excuse_transactions(const PartitionState& state) {
  const bool coordinator = state.internal && !holds_offsets(state);
  for (auto& [number, transaction] : transactions_) {
    transaction.end_lost |= coordinator;
    transaction.excused |= coordinator || std::any_of(transaction.numbers.begin(), transaction.numbers.end(),
                                                         [&](int64_t one) { return is_in(sent_[one], state); });
  }
  if (holds_offsets(state)) offsets_lost_ = true;
}

bool ClusterSimulator::is_in(const SentRecord& record, const PartitionState& state) const {
  const auto found = partitions_.find(record.partition);
  return found != partitions_.end() && &found->second == &state;
}

// --- nodes

void ClusterSimulator::look_at(ClusterNode& node) {
  if (node.node_or_null() == nullptr || node.id() > 3 || node.leaving()) return;
  for (size_t i = 0; i < node.shard_count() && !failed(); i++) {
    node.node().shard(i).replicas().for_each_partition([&](broker::Partition& partition) {
      if (failed()) return;
      const PartitionId id{partition.id().topic_id, partition.id().partition};
      const auto state = partitions_.find(id);
      if (state == partitions_.end()) return;
      View now{.life = node.life(), .leads = partition.leads(), .epoch = partition.leader_epoch()};
      if (log::PartitionLog* log = partition.log_if_open()) {
        now.high_watermark = log->high_watermark();
        now.end = log->log_end_offset();
        now.start = log->log_start_offset();
      }
      View& before = views_[{node.id(), id}];
      if (before == now) return;
      inspect(node, id, state->second, before, now);
      before = now;
    });
  }
}

void ClusterSimulator::inspect(ClusterNode& node, const PartitionId& id, PartitionState& state, const View& before,
                               const View& now) {
  const bool same_life = before.life == now.life;
  if (now.leads) {
    const auto given = state.leaders.find(now.epoch);
    if (given == state.leaders.end() || given->second != node.id()) {
      return fail(fmt::format("{}: node {} leads in epoch {}, which the controller did not give it", state.name,
                              node.id(), now.epoch));
    }
    if (same_life && before.leads && before.epoch == now.epoch && now.end < before.end) {
      return fail(fmt::format("{}: the log of leader {} ends at {}, and ended at {}", state.name, node.id(), now.end,
                              before.end));
    }
  }
  if (same_life && now.epoch < before.epoch) {
    return fail(
        fmt::format("{}: node {} is in epoch {}, and was in {}", state.name, node.id(), now.epoch, before.epoch));
  }
  if (now.start > std::max<int64_t>(state.deletable, 0) && !retention_took(node, id, state, now)) return;
  if (now.high_watermark < 0) return;
  const bool takes_over = now.leads && (!same_life || !before.leads || before.epoch != now.epoch || before.end < 0);
  const bool advances = !same_life || now.high_watermark > before.high_watermark;
  if (!takes_over && !advances) return;
  const DiskLog log = read_disk_log(node.disk(), state.name, id.first);
  if (now.leads && takes_over) check_leader(node, state, log, now);
  if (failed()) return;
  // A follower may not know yet that its records are lost.
  if (!now.leads && (state.was_reset || state.unsure_from || state.deposed.contains(node.id()))) return;
  // Records that a deposed leader takes before it hears of an unclean one are lost. Its next process still has them.
  if (now.leads && state.unclean && now.epoch < state.epoch_seen) {
    state.deposed.insert(node.id());
    return;
  }
  const int64_t first_new = state.settled_end();
  for (int64_t offset = std::max<int64_t>(now.start, 0); offset < now.high_watermark && !failed(); offset++) {
    const auto there = log.entries.find(offset);
    if (there == log.entries.end()) {
      if (state.holes.contains(offset)) continue;
      const auto known = state.settled.find(offset);
      if (known != state.settled.end() && may_be_gone(state, offset, known->second)) continue;
      // Of an aborted transaction, and compacted away before it was looked at.
      if (known == state.settled.end() && offset < state.settled_end()) continue;
      return fail(fmt::format("{}: the high watermark of node {} is {}, and {} is not on its disk", state.name,
                              node.id(), now.high_watermark, offset));
    }
    settle_entry(node, id, state, offset, there->second, now.leads);
  }
  if (!failed() && now.high_watermark > first_new) check_replicas(id, state, first_new, now.high_watermark);
}

// A leader may settle records and delete them within one turn: after a pause it comes to lead alone, and its timers are
// due. The high watermark proves nothing here, since the log start offset moves it. But the records were settled if all
// in sync had them, and were enough.
bool ClusterSimulator::settled_since(ClusterNode& node, const PartitionId& id, const PartitionState& state,
                                     const View& now) {
  const metadata::PartitionImage* image = image_of(id);
  if (image == nullptr || !now.leads || image->leader != node.id() || image->leader_epoch != now.epoch) return false;
  if (image->isr.size() < std::min<size_t>(state.min_in_sync, image->replicas.size())) return false;
  const std::vector<int32_t> in_sync = image->isr.to_vector();
  return std::all_of(in_sync.begin(), in_sync.end(), [&](int32_t member) {
    return member == node.id() || views_[{member, id}].end >= now.start;
  });
}

// By its age: false, and a failure, if nobody may have deleted that.
bool ClusterSimulator::retention_took(ClusterNode& node, const PartitionId& id, PartitionState& state,
                                      const View& now) {
  const int64_t start = now.start;
  const std::string what = fmt::format("{}: the log of node {} begins at {}, and ", state.name, node.id(), start);
  // A leader that an unclean election deposed, or that has lost records, may have gone on by itself.
  const bool excused = state.was_reset || state.unsure_from || state.unclean;
  if (state.retention_ms < 0) {
    fail(what + "nobody deleted that");
    return false;
  }
  if (start > state.settled_end() && !excused) {
    if (!settled_since(node, id, state, now)) {
      fail(what + "that is not below the high watermark");
      return false;
    }
    state.unseen_below = std::max(state.unseen_below, start);
  }
  for (auto at = state.settled.lower_bound(state.deletable); at != state.settled.end() && at->first < start; ++at) {
    if (at->second.number < 0) continue;
    const int64_t age_ms = clock_.wall_ms() - sent_[at->second.number].ms;
    if (age_ms > state.retention_ms) continue;
    fail(what + fmt::format("{} is {} ms old", at->second.number, age_ms));
    return false;
  }
  state.deletable = std::max(state.deletable, start);
  return true;
}

void ClusterSimulator::settle_entry(ClusterNode& node, const PartitionId&, PartitionState& state, int64_t offset,
                                    const Entry& entry, bool leads) {
  const auto known = state.settled.find(offset);
  if (known != state.settled.end()) {
    if (known->second == entry) return;
    if (state.unsure_from && offset >= *state.unsure_from) return;
    return fail(fmt::format("{}: at {} node {}, {}, has {} of epoch {}, and {} of epoch {} was settled", state.name,
                            offset, node.id(), leads ? "the leader" : "a follower", entry.number, entry.epoch,
                            known->second.number, known->second.epoch));
  }
  if (offset < state.settled_end()) return;  // deleted before it was checked
  state.settled[offset] = entry;
  settled_++;
  if (entry.kind == EntryKind::kCommit || entry.kind == EntryKind::kAbort) return on_marker(state, entry);
  if (entry.number < 0) return;
  state.last_of_key[sent_[entry.number].key] = offset;
  if (entry.kind == EntryKind::kTransactional) state.open[entry.producer].push_back(entry.number);
  const auto [at, first] = state.offset_of.emplace(entry.number, offset);
  if (!first) {
    return fail(fmt::format("{}: {} is at {} and at {}", state.name, entry.number, at->second, offset));
  }
  state.lost.erase(entry.number);
  const int64_t producer = sent_[entry.number].producer;
  if (producer < 0) return;
  int64_t& last = state.last_of_producer[producer];
  if (entry.number < last)
    fail(fmt::format("{}: {} is behind {} of the same producer", state.name, entry.number, last));
  last = entry.number;
}

// All of a transaction ends in the same way, and as its producer asked.
void ClusterSimulator::on_marker(PartitionState& state, const Entry& marker) {
  const auto end = marker.kind == EntryKind::kCommit ? TransactionEnd::kCommit : TransactionEnd::kAbort;
  for (const int64_t number : std::exchange(state.open[marker.producer], {})) {
    const auto found = transactions_.find(sent_[number].transaction);
    if (found == transactions_.end() || found->second.excused) continue;
    SimTransaction& of = found->second;
    if (of.is == TransactionEnd::kNone) of.is = end;
    if (of.is != end) {
      return fail(fmt::format("{}: {} is {}, and others of its transaction are {}", state.name, number, name_of(end),
                              name_of(of.is)));
    }
    if (end == TransactionEnd::kCommit && of.asked != end) {
      return fail(fmt::format("{}: {} is committed, and its producer did not ask for it", state.name, number));
    }
    if (of.told != TransactionEnd::kNone && of.told != end) {
      return fail(fmt::format("{}: {} is {}, and its producer was told otherwise", state.name, number, name_of(end)));
    }
  }
}

// Records below the high watermark are on the replicas. While the leader has not heard of its epoch, those that the
// controller has just taken away count, too. Such a one may have deleted its log already, and may even be a replica
// again, with an empty one.
void ClusterSimulator::check_replicas(const PartitionId& id, PartitionState& state, int64_t from, int64_t to) {
  const metadata::PartitionImage* image = image_of(id);
  if (image == nullptr) return;
  std::vector<int32_t> replicas = image->replicas.to_vector();
  const View& leader = views_[{image->leader, id}];
  const bool unaware = !leader.leads || leader.epoch < image->leader_epoch;
  if (unaware) replicas = {1, 2, 3};
  int holders = 0;
  for (const int32_t replica : replicas) {
    const DiskLog log = read_disk_log(node(replica).disk(), state.name, id.first, from);
    int64_t missing = -1;
    for (auto at = state.settled.lower_bound(from); at != state.settled.end() && at->first < to && missing < 0; ++at) {
      if (at->first >= state.deletable && lacks(state, log.entries, at->first, at->second)) missing = at->first;
    }
    const bool has_gone = unaware && !image->isr.contains(replica) && log.end == 0;
    const bool excused = has_gone || state.forgot_from.contains(replica);
    if (missing < 0 || excused) holders++;
    if (missing >= 0 && !excused && image->isr.contains(replica)) {
      return fail(fmt::format("{}: {} is below the high watermark, and not on node {}, which is in sync", state.name,
                              missing, replica));
    }
  }
  const int wanted = std::min<int>(state.min_in_sync, static_cast<int>(image->replicas.size()));
  if (holders < wanted) {
    fail(
        fmt::format("{}: {} is below the high watermark, and on {} replicas of {}", state.name, from, holders, wanted));
  }
}

// The leader of the newest epoch has everything.
void ClusterSimulator::check_leader(ClusterNode& node, PartitionState& state, const DiskLog& log, const View& view) {
  if (view.epoch < state.epoch_seen) return;
  if (state.unsure_from && view.epoch > state.unsure_in_epoch) resolve(node.id(), state, log);
  for (const auto& [offset, entry] : state.settled) {
    if (offset < std::max(view.start, state.deletable)) continue;
    if (state.unsure_from && offset >= *state.unsure_from) return;
    if (!lacks(state, log.entries, offset, entry)) continue;
    return fail(fmt::format("{}: node {} leads in epoch {}, and does not have {} at {}, which was settled", state.name,
                            node.id(), view.epoch, entry.number, offset));
  }
  state.forgot_from.erase(node.id());
  state.deposed.erase(node.id());
}

}  // namespace milena::sim
