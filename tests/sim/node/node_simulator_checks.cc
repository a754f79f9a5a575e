// Reads everything and compares it with the model.
#include "protocol/messages/describe_log_dirs.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/records/control_records.h"
#include "protocol/records/legacy_messages.h"
#include "protocol/records/record_iterator.h"
#include "sim/node/node_simulator.h"

namespace milena::sim {
namespace {

constexpr int16_t kFetchVersion = 16;
// The timeout of transactions, and twice the time between two looks for those that are over.
constexpr int64_t kTransactionsEnd_ms = 80'000;

int64_t number_of(const RecordView& record) {
  for (const RecordHeader& header : record.headers) {
    if (header.key == "n" && header.value) return std::stoll(std::string(*header.value));
  }
  // For records of an old Kafka, which had no headers.
  return record.headers.empty() && record.value ? std::stoll(std::string(*record.value)) : -1;
}

// The batches of a fetch, with old formats as clients of today see them.
Bytes batches_in(const FetchResponse::PartitionData& data) {
  auto bytes = data.records ? data.records->flatten() : Result<Bytes>(Bytes());
  auto current = in_current_format(bytes.take());
  return current ? current.take() : Bytes();
}

}  // namespace

// --- asking

std::optional<FetchResponse::PartitionData> NodeSimulator::fetch(const TopicPtr& topic, int32_t partition,
                                                                 int64_t offset, bool committed,
                                                                 int32_t max_bytes) {
  FetchRequest request;
  request.max_wait_ms = 0;
  request.min_bytes = 0;
  request.isolation_level = committed ? 1 : 0;
  request.session_id = 0;
  request.session_epoch = -1;
  auto& of = request.topics.emplace_back();
  of.topic_id = topic->id;
  auto& one = of.partitions.emplace_back();
  one.partition = partition;
  one.fetch_offset = offset;
  one.partition_max_bytes = max_bytes;
  auto response = ask<FetchResponse>(request, kFetchVersion);
  if (!response || response->responses.empty() || response->responses[0].partitions.empty()) {
    if (process_.alive() && !failed())
      fail(fmt::format("{}-{}: a fetch is not answered", topic->name, partition));
    return std::nullopt;
  }
  return std::move(response->responses[0].partitions[0]);
}

std::optional<Scan> NodeSimulator::scan(const TopicPtr& topic, int32_t partition) {
  Scan result;
  const std::string name = fmt::format("{}-{}", topic->name, partition);
  ListOffsetsRequest request;
  request.replica_id = -1;
  auto& of = request.topics.emplace_back();
  of.name = topic->name;
  of.partitions.push_back({.partition_index = partition, .timestamp = -2});
  auto response = ask<ListOffsetsResponse>(request, 7);
  if (!response) {
    if (process_.alive() && !failed()) fail(name + ": ListOffsets is not answered");
    return std::nullopt;
  }
  const auto& start = response->topics.at(0).partitions.at(0);
  if (start.error_code != ErrorCode::kNone) {
    fail(fmt::format("{}: the log start offset cannot be asked for: {}", name, error_name(start.error_code)));
    return std::nullopt;
  }
  result.log_start = start.offset;
  if (!read_batches(topic, partition, result) || !read_committed(topic, partition, result))
    return std::nullopt;
  return result;
}

// Everything up to the high watermark.
bool NodeSimulator::read_batches(const TopicPtr& topic, int32_t partition, Scan& into) {
  const std::string name = fmt::format("{}-{}", topic->name, partition);
  const bool rotten = topic->partitions[static_cast<size_t>(partition)].rotten;
  int64_t at = into.log_start;
  int64_t expected = -1;
  while (true) {
    auto data = fetch(topic, partition, at, false,
                      random_.chance(50) ? 1 << 20 : static_cast<int32_t>(pick(600)) + 1);
    if (!data) return false;
    if (data->error_code != ErrorCode::kNone) {
      if (rotten) return true;
      fail(fmt::format("{}: offset {} cannot be read: {}", name, at, error_name(data->error_code)));
      return false;
    }
    into.high_watermark = data->high_watermark;
    into.last_stable = data->last_stable_offset;
    into.log_start = std::max(into.log_start, data->log_start_offset);
    if (at >= into.high_watermark) return true;
    const Bytes bytes = batches_in(*data);
    const int64_t before = at;
    BatchIterator batches(bytes);
    while (batches.next()) {
      const BatchHeader& header = batches.batch().header();
      if (!rotten && !batches.batch().crc_ok()) {
        fail(fmt::format("{}: the batch at {} has a wrong checksum", name, header.base_offset));
        return false;
      }
      if (header.next_offset() <= at) continue;
      if (header.base_offset > at && before == at && !topic->was_compacted && !rotten && expected >= 0) {
        into.gaps = true;
        into.gap = fmt::format("offset {} follows {}", header.base_offset, at);
      }
      expected = header.next_offset();
      RecordIterator records(batches.batch());
      while (!header.is_control() && records.next()) {
        const RecordView& record = records.record();
        if (record.offset < into.log_start) continue;
        into.found.push_back(
            {record.offset, number_of(record), std::string(record.key.value_or("")), !record.value});
        records_read_++;
      }
      at = header.next_offset();
    }
    if (at != before) continue;
    // A gap at the end, up to the empty segment that was created behind it.
    if (rotten || topic->lost_power) return true;
    fail(fmt::format("{}: nothing can be read at offset {}, the high watermark is {}", name, at,
                     into.high_watermark));
    return false;
  }
}

// Like a read_committed consumer: leaves out the aborted transactions of the response.
bool NodeSimulator::read_committed(const TopicPtr& topic, int32_t partition, Scan& into) {
  const bool rotten = topic->partitions[static_cast<size_t>(partition)].rotten;
  int64_t at = into.log_start;
  while (at < into.last_stable) {
    auto data =
        fetch(topic, partition, at, true, random_.chance(50) ? 1 << 20 : static_cast<int32_t>(pick(600)) + 1);
    if (!data) return false;
    if (data->error_code != ErrorCode::kNone) {
      if (!rotten)
        fail(fmt::format("{}-{}: committed records cannot be read at {}: {}", topic->name, partition, at,
                         error_name(data->error_code)));
      return rotten;
    }
    std::multimap<int64_t, int64_t> aborted;  // by first offset
    if (data->aborted_transactions) {
      for (const auto& one : *data->aborted_transactions) aborted.emplace(one.first_offset, one.producer_id);
    }
    std::set<int64_t> open;  // producers whose aborted transaction has begun
    const Bytes bytes = batches_in(*data);
    const int64_t before = at;
    BatchIterator batches(bytes);
    while (batches.next()) {
      const BatchHeader& header = batches.batch().header();
      while (!aborted.empty() && aborted.begin()->first <= header.last_offset()) {
        open.insert(aborted.begin()->second);
        aborted.erase(aborted.begin());
      }
      if (header.is_control()) {
        open.erase(header.producer_id);
      } else if (!header.is_transactional() || !open.contains(header.producer_id)) {
        RecordIterator records(batches.batch());
        while (records.next()) into.committed.insert(number_of(records.record()));
      }
      at = std::max(at, header.next_offset());
    }
    if (at != before) continue;
    if (topic->lost_power) return true;
    if (!rotten)
      fail(fmt::format("{}-{}: no committed records can be read at {}, the last stable offset is {}",
                       topic->name, partition, at, into.last_stable));
    return rotten;
  }
  return true;
}

// --- comparing

bool NodeSimulator::wait_for_answers() {
  const int64_t until_ms = machine_.clock().steady_ms() + 120'000;
  while (process_.alive() && process_.waits_for_answers()) {
    if (machine_.clock().steady_ms() > until_ms) {
      fail("a request is not answered in two minutes");
      return false;
    }
    if (!machine_.step()) machine_.pass(10, false);
  }
  return process_.alive();
}

void NodeSimulator::verify(bool restarted) {
  give_back();
  if (troubled_) {
    note("the disks are well again");
    wait_for_answers();
    disk_.heal();
    if (failed()) return;
    if (process_.alive()) restart(random_.chance(50));
    if (!failed() && !process_.alive()) revive();
    disk_.heal();
    troubled_ = false;
    restarted = true;
  }
  if (failed() || !wait_for_answers()) return;
  machine_.run_until_idle();
  settle_transactions();
  if (process_.alive() && !failed()) check_topics();
  for (const TopicPtr& topic : std::vector<TopicPtr>(topics_)) {
    mark_expired(*topic, wall_ms());
    for (size_t p = 0; p < topic->partitions.size(); p++) {
      if (failed() || !process_.alive()) return;
      if (!topic->deleted) check_partition(topic, static_cast<int32_t>(p), restarted);
    }
  }
  if (process_.alive() && !failed()) check_offsets();
  if (process_.alive() && !failed()) note(fmt::format("all is well ({} records read)", records_read_));
}

// A producer whose response was lost begins again, which ends its transaction.
void NodeSimulator::settle_transactions() {
  for (Producer& producer : transactional_) {
    const int64_t until_ms = machine_.clock().steady_ms() + 60'000;
    while (producer.lost && process_.alive() && !failed()) {
      if (!producer.asking) begin_anew(producer);
      machine_.pass(100, false);
      if (machine_.clock().steady_ms() > until_ms) fail(producer.id + " cannot begin anew");
    }
  }
}

// The coordinator aborts what its producer does not go on with, whatever a restart did in between. Nobody asks for the
// coordinator meanwhile, which could wake it.
void NodeSimulator::outlive_transactions() {
  if (troubled_ || short_ || transactional_.empty() || !wait_for_answers()) return;
  note("open transactions are outlived");
  machine_.pass(kTransactionsEnd_ms + set_back_ms_, false);  // timeouts are by the wall clock, as in Kafka
  for (const TopicPtr& topic : topics_) {
    for (size_t p = 0; p < topic->partitions.size() && process_.alive() && !failed(); p++) {
      if (topic->deleted || topic->delete_asked || topic->partitions[p].rotten) continue;
      const auto found = scan(topic, static_cast<int32_t>(p));
      if (!found || found->last_stable == found->high_watermark) continue;
      fail(fmt::format("{}-{}: a transaction does not end: the last stable offset is {}, the high watermark {}",
                       topic->name, p, found->last_stable, found->high_watermark));
    }
  }
}

void NodeSimulator::check_topics() {
  MetadataRequest request;
  request.topics.reset();
  request.allow_auto_topic_creation = false;
  auto response = ask<MetadataResponse>(request, 12);
  if (!response) return process_.alive() ? fail("Metadata is not answered") : void();
  for (const auto& found : response->topics) {
    if (found.is_internal) continue;
    auto known = std::find_if(topics_.begin(), topics_.end(),
                              [&](const TopicPtr& one) { return one->id == found.topic_id; });
    if (known == topics_.end()) {
      // The response to its creation was lost.
      auto model = std::make_shared<TopicModel>();
      model->name = found.name.value_or("");
      model->id = found.topic_id;
      for (const auto& [key, value] : plan_.topic_settings) model->config[key] = {value};
      model->was_compacted = plan_.compacts;
      model->partitions.resize(plan_.partitions);
      topics_.push_back(std::move(model));
      continue;
    }
    TopicModel& topic = **known;
    if (topic.deleted)
      return fail(fmt::format("{} {} is deleted, and there again", topic.name, topic.id.to_string()));
    topic.delete_asked = false;
    for (const auto& p : found.partitions) {
      PartitionModel& model = topic.partitions.at(static_cast<size_t>(p.partition_index));
      if (p.error_code != ErrorCode::kNone && !model.rotten) {
        return fail(fmt::format("{}-{}: {}", topic.name, p.partition_index, error_name(p.error_code)));
      }
      if (p.leader_epoch < model.epoch_seen) {
        return fail(fmt::format("{}-{}: leader epoch {}, it was {}", topic.name, p.partition_index,
                                p.leader_epoch, model.epoch_seen));
      }
      model.epoch_seen = p.leader_epoch;
    }
  }
  for (const TopicPtr& topic : topics_) {
    bool there = std::any_of(response->topics.begin(), response->topics.end(),
                             [&](const auto& found) { return found.topic_id == topic->id; });
    if (there || topic->deleted) continue;
    if (!topic->delete_asked) return fail(fmt::format("{} {} is lost", topic->name, topic->id.to_string()));
    topic->deleted = true;
  }
}

void NodeSimulator::check_partition(const TopicPtr& topic, int32_t partition, bool restarted) {
  // The high watermark may lag behind a sync.
  if (random_.chance(50)) machine_.pass(1000, false);
  mark_expired(*topic, wall_ms());
  auto found = scan(topic, partition);
  if (!found || failed()) return;
  mark_expired(*topic, wall_ms());
  if (std::string fault =
          judge(*topic, static_cast<size_t>(partition), *found, restarted, machine_.clock().steady_ms());
      !fault.empty()) {
    fail(fault);
  }
  const size_t searches = plan_.times_mixed ? 20 : 3;
  for (size_t i = 0; i < searches && !failed() && process_.alive() && !found->found.empty(); i++)
    check_time(topic, partition, found->found[pick(found->found.size())]);
}

// A search by time finds a record that is there, or one before it.
void NodeSimulator::check_time(const TopicPtr& topic, int32_t partition, const Found& one) {
  const PartitionModel& model = topic->partitions[static_cast<size_t>(partition)];
  if (model.rotten) return;
  const int64_t timestamp = model.records.at(one.number).timestamp;
  if (timestamp <= 0) return;  // of an old Kafka
  ListOffsetsRequest request;
  request.replica_id = -1;
  auto& of = request.topics.emplace_back();
  of.name = topic->name;
  of.partitions.push_back({.partition_index = partition, .timestamp = timestamp});
  auto response = ask<ListOffsetsResponse>(request, 7);
  if (!response) return process_.alive() && !failed() ? fail("ListOffsets by time is not answered") : void();
  const auto& answer = response->topics.at(0).partitions.at(0);
  const bool right = answer.offset >= 0 && answer.offset <= one.offset && answer.timestamp >= timestamp;
  if (right || topic->delete_asked) return;
  // Retention or compaction may have removed it meanwhile.
  auto again = scan(topic, partition);
  const bool there = again && std::any_of(again->found.begin(), again->found.end(),
                                          [&](const Found& other) { return other.number == one.number; });
  if (!there || failed()) return;
  fail(fmt::format("{}-{}: record {} at {} is there, and the search for its time finds {}: {}", topic->name, partition,
                   one.number, one.offset, answer.offset, error_name(answer.error_code)));
}

void NodeSimulator::look() {
  TopicPtr topic = a_topic();
  if (topic == nullptr || troubled_ || short_) return;
  auto partition = static_cast<int32_t>(pick(topic->partitions.size()));
  PartitionModel& model = topic->partitions[static_cast<size_t>(partition)];
  if (model.rotten) return;
  std::vector<int64_t> numbers;
  for (const auto& [number, record] : model.records) {
    if (record.fate == Fate::kAcked && record.offset >= 0) numbers.push_back(number);
  }
  if (numbers.empty()) return;
  const Record wanted = model.records.at(numbers[pick(numbers.size())]);
  auto data = fetch(topic, partition, wanted.offset, false, 1 << 20);
  if (!data || data->error_code == ErrorCode::kOffsetOutOfRange || topic->delete_asked) return;
  if (data->error_code != ErrorCode::kNone) {
    return fail(fmt::format("{}-{}: offset {} cannot be read: {}", topic->name, partition, wanted.offset,
                            error_name(data->error_code)));
  }
  const Bytes bytes = batches_in(*data);
  BatchIterator batches(bytes);
  if (!batches.next()) return;
  const BatchHeader& header = batches.batch().header();
  if (header.last_offset() < wanted.offset || (!topic->was_compacted && header.base_offset > wanted.offset)) {
    fail(fmt::format("{}-{}: offset {} is asked for, the answer begins with {} to {}", topic->name, partition,
                     wanted.offset, header.base_offset, header.last_offset()));
  }
}

void NodeSimulator::check_offsets() {
  if (offsets_.empty()) return;
  OffsetFetchRequest request;
  auto& group = request.groups.emplace_back();
  group.group_id = "g";
  group.topics.reset();
  std::optional<OffsetFetchResponse> response;
  for (int tries = 0; tries < 100; tries++) {
    response = ask<OffsetFetchResponse>(request, 9);
    if (!response) return process_.alive() ? fail("OffsetFetch is not answered") : void();
    const ErrorCode error = response->groups.at(0).error_code;
    if (error == ErrorCode::kNone) break;
    if (tries == 99) return fail(fmt::format("committed offsets cannot be read: {}", error_name(error)));
    machine_.pass(100, false);
  }
  if (plan_.power) return;  // __consumer_offsets is not synced
  for (const auto& [place, possible] : offsets_) {
    int64_t found = -1;
    for (const auto& topic : response->groups.at(0).topics) {
      for (const auto& p : topic.partitions) {
        if (topic.name == place.first && p.partition_index == place.second) found = p.committed_offset;
      }
    }
    if (!possible.contains(found)) {
      return fail(fmt::format("offset {} is read as committed of {}-{}, it was {}", found, place.first,
                              place.second, *possible.rbegin()));
    }
  }
}

// After all faults, an accepted move completes.
void NodeSimulator::check_moves() {
  if (!process_.alive()) return;
  std::string waits = "?";
  std::map<std::pair<std::string, int32_t>, std::string> places;
  for (int tries = 0; !waits.empty() && tries < 60 && process_.alive(); tries++) {
    machine_.pass(tries < 30 ? 1000 : 60'000, false);
    DescribeLogDirsRequest request;
    request.topics.reset();
    auto response = ask<DescribeLogDirsResponse>(request, 4);
    if (!response) return;
    waits.clear();
    places.clear();
    for (const auto& directory : response->results) {
      for (const auto& topic : directory.topics) {
        for (const auto& p : topic.partitions) {
          if (p.is_future_key) waits = fmt::format("{}-{} to {}", topic.name, p.partition_index, directory.log_dir);
          else places[{std::string(topic.name), p.partition_index}] = directory.log_dir;
        }
      }
    }
  }
  if (!waits.empty()) return fail("a move does not end: " + waits);
  for (const auto& [replica, directory] : places) check_place(directory, replica.first, replica.second);
}

// Where nothing spoke against it, the move has succeeded.
void NodeSimulator::check_place(const std::string& directory, const std::string& name, int32_t partition) {
  for (const TopicPtr& topic : topics_) {
    if (topic->name != name || topic->deleted || topic->delete_asked || !process_.alive()) continue;
    const PartitionModel& model = topic->partitions[static_cast<size_t>(partition)];
    if (!model.rotten && !model.moves_to.empty() && model.moves_to != directory)
      fail(fmt::format("{}-{} was to move to {}, and is in {}", name, partition, model.moves_to, directory));
  }
}

}  // namespace milena::sim
