// Administrators of the node, and faults of its disks.
#include "log/format/text_checkpoint.h"
#include "protocol/messages/alter_replica_log_dirs.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/records/legacy_messages.h"
#include "protocol/records/record_batch.h"
#include "sim/node/node_simulator.h"

namespace milena::sim {
namespace {

// A message of magic 0 or 1, as in Kafka before 0.11: shorter than the header of a batch.
Bytes old_message(int8_t magic, int64_t offset, int64_t timestamp, const std::string& key,
                  const std::string& value) {
  Bytes body{static_cast<char>(magic), '\0'};
  if (magic == 1) append_big_endian<int64_t>(body, timestamp);
  for (const std::string* part : {&key, &value}) {
    append_big_endian<int32_t>(body, static_cast<int32_t>(part->size()));
    body += *part;
  }
  Bytes message;
  append_big_endian<int64_t>(message, offset);
  append_big_endian<int32_t>(message, static_cast<int32_t>(body.size() + sizeof(uint32_t)));
  append_big_endian<uint32_t>(message, crc32_ieee(body));
  return message + body;
}

}  // namespace

// Creates their topics.
void NodeSimulator::find_coordinators() {
  for (int8_t type : {0, 1}) {
    FindCoordinatorRequest request;
    request.key_type = type;
    request.coordinator_keys = {"g"};
    auto response = ask<FindCoordinatorResponse>(request, 4);
    if (!response || response->coordinators.at(0).error_code != ErrorCode::kNone)
      return fail("there is no coordinator");
  }
}

void NodeSimulator::create_topic(const std::string& name) {
  for (const TopicPtr& topic : topics_) {
    if (topic->name == name && !topic->deleted) return;
  }
  note("create " + name);
  CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = static_cast<int32_t>(plan_.partitions);
  topic.replication_factor = 1;
  for (const auto& [key, value] : plan_.topic_settings) topic.configs.push_back({key, value});
  auto response = ask<CreateTopicsResponse>(request, 7);
  if (!response) {
    if (process_.alive() && !short_) fail(name + " is not created: no answer");
    unanswered_creations_.insert(name);
    return;  // the next check of the topics finds it, if it exists
  }
  const auto& answer = response->topics.at(0);
  note(fmt::format("created: {} {}", error_name(answer.error_code), answer.topic_id.to_string()));
  const bool made_before =
      answer.error_code == ErrorCode::kTopicAlreadyExists && unanswered_creations_.contains(name);
  if (answer.error_code != ErrorCode::kNone) {
    if (!troubled_ && !short_ && !made_before)
      fail(fmt::format("{} is not created: {}", name, answer.error_message.value_or("")));
    return;
  }
  auto model = std::make_shared<TopicModel>();
  model->name = name;
  model->id = answer.topic_id;
  for (const auto& [key, value] : plan_.topic_settings) model->config[key] = {value};
  model->was_compacted = plan_.compacts;
  model->partitions.resize(plan_.partitions);
  topics_.push_back(std::move(model));
}

void NodeSimulator::delete_topic() {
  TopicPtr topic = a_topic();
  if (topic == nullptr) return;
  note("delete topic " + topic->name);
  topic->delete_asked = true;
  DeleteTopicsRequest request;
  request.timeout_ms = 30'000;
  request.topics.push_back({std::nullopt, topic->id});
  // The coordinator deletes them later.
  for (auto& [place, possible] : offsets_) {
    if (place.first == topic->name) possible.insert(-1);
  }
  a_connection().ask<DeleteTopicsResponse>(request, 6, [this, topic](const DeleteTopicsResponse* response) {
    if (response == nullptr) return;
    note(fmt::format("deleted {}: {}", topic->name, error_name(response->responses.at(0).error_code)));
    if (response->responses.at(0).error_code != ErrorCode::kNone) return;
    topic->deleted = true;
  });
}

// One setting of a topic.
void NodeSimulator::configure(Aim aim) {
  TopicPtr topic = a_topic();
  if (topic == nullptr) return;
  static const std::vector<std::pair<std::string, std::vector<std::string>>> kChoices = {
      {"cleanup.policy", {"delete", "compact", "compact,delete"}},
      {"retention.ms", {"-1", "-1", "60000", "600000"}},
      {"retention.bytes", {"-1", "-1", "1000"}},
      {"flush.messages", {"1", "3", "9223372036854775807"}},
      {"segment.ms", {"1", "1000", "600000"}},
      {"delete.retention.ms", {"0", "1000", "100000"}},
      {"min.cleanable.dirty.ratio", {"0.01", "0.5"}},
      {"preallocate", {"true", "false"}},
  };
  static constexpr size_t kRetention = 1;
  const bool all = aim == Aim::kAll;  // of the records are to stay
  const auto& [name, values] = kChoices[all ? kRetention : pick(kChoices.size())];
  if (!topic->config.contains(name) && name != "preallocate") return;
  const std::string value = values[all ? 0 : pick(values.size())];
  note(fmt::format("set {} of {} to {}", name, topic->name, value));
  topic->config[name].insert(value);
  if (name == "cleanup.policy" && value != "delete") topic->was_compacted = true;
  IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = 2;
  resource.resource_name = topic->name;
  auto& config = resource.configs.emplace_back();
  config.name = name;
  config.value = value;
  auto response = ask<IncrementalAlterConfigsResponse>(request, 1);
  if (!response) return;
  const ErrorCode error = response->responses.at(0).error_code;
  note(fmt::format("set: {}", error_name(error)));
  if (error != ErrorCode::kNone) return;
  mark_expired(*topic, wall_ms());
  topic->config[name] = {value};
  if (name == "retention.ms" || name == "retention.bytes" || name == "cleanup.policy")
    keep_from_now_on(topic);
}

// Records that are still there and that retention may no longer remove must stay.
void NodeSimulator::keep_from_now_on(const TopicPtr& topic) {
  for (size_t p = 0; p < topic->partitions.size(); p++) {
    ListOffsetsRequest request;
    request.replica_id = -1;
    auto& of = request.topics.emplace_back();
    of.name = topic->name;
    of.partitions.push_back({.partition_index = static_cast<int32_t>(p), .timestamp = -2});
    auto response = ask<ListOffsetsResponse>(request, 7);
    if (!response) return;
    const auto& answer = response->topics.at(0).partitions.at(0);
    if (answer.error_code != ErrorCode::kNone) continue;
    for (auto& [number, record] : topic->partitions[p].records) {
      if (record.fate == Fate::kAcked && record.offset >= answer.offset) record.may_expire = false;
    }
  }
  mark_expired(*topic, wall_ms());
}

void NodeSimulator::move() {
  TopicPtr topic = a_topic();
  if (topic == nullptr) return;
  auto partition = static_cast<int32_t>(pick(topic->partitions.size()));
  const std::string to = last_target_ = a_directory();
  note(fmt::format("move {}-{} to {}", topic->name, partition, to));
  AlterReplicaLogDirsRequest request;
  auto& into = request.dirs.emplace_back();
  into.path = to;
  auto& moved = into.topics.emplace_back();
  moved.name = topic->name;
  moved.partitions = {partition};
  PartitionModel& model = topic->partitions[static_cast<size_t>(partition)];
  model.moves_to.clear();
  // Which of several comes first is not known.
  const bool alone = model.moves_open++ == 0;
  const size_t number = ++model.moves_asked;
  a_connection().ask<AlterReplicaLogDirsResponse>(
      request, 2, [this, topic, partition, to, &model, alone, number](const AlterReplicaLogDirsResponse* response) {
        model.moves_open--;
        if (response == nullptr) return;
        const ErrorCode error = response->results.at(0).partitions.at(0).error_code;
        note(fmt::format("move of {}-{}: {}", topic->name, partition, error_name(error)));
        const bool counts = alone && number == model.moves_asked && !troubled_ && !short_;
        if (counts && error == ErrorCode::kNone) model.moves_to = to;
      });
}

// --- disks

void NodeSimulator::send_directory_away(Aim aim) {
  std::string volume = aim == Aim::kTarget && !last_target_.empty() ? last_target_ : a_directory();
  const TopicPtr topic = aim == Aim::kHome ? a_topic() : nullptr;
  for (const char* home : {"/a", "/b", "/c"}) {
    if (topic != nullptr && disk_.content(fmt::format("{}/{}-0/partition.metadata", home, topic->name))) volume = home;
  }
  if (volume == "/a" && !plan_.metadata_apart) volume = "/b";
  note(volume + " is away");
  disk_.set_away(volume, true);
  begin_trouble();
}

// This is not a failure either: requests that need space are refused until there is some.
void NodeSimulator::fill() {
  const std::string volume = a_directory();
  note(volume + " is full");
  disk_.fill(volume);
  begin_shortage();
}

// This is not a failure: clients get a retriable error, and the node goes on.
void NodeSimulator::leave_few_files() {
  const size_t left = pick(4);
  note(fmt::format("{} more files may be open", left));
  begin_shortage();
  disk_.set_open_limit(std::max<size_t>(disk_.open_files() + left, 1));
}

void NodeSimulator::give_back() {
  if (!short_) return;
  note("there are enough descriptors again, and room");
  disk_.set_open_limit(0);
  disk_.make_room();
  machine_.pass(1000, false);  // refused requests get their response
  short_ = false;
}

// The header of a batch of a closed segment, where it says how long it is or of which format.
void NodeSimulator::rot(Aim aim) {
  TopicPtr topic = a_topic();
  if (topic == nullptr) return;
  auto partition = static_cast<int32_t>(pick(topic->partitions.size()));
  if (aim == Aim::kAll || random_.chance(30)) return damage_active(topic, partition);
  std::vector<std::string> logs;
  for (const char* volume : {"/a", "/b", "/c"}) {
    const std::string directory = fmt::format("{}/{}-{}", volume, topic->name, partition);
    std::vector<std::string> here;
    for (std::string& path : disk_.paths_under(directory)) {
      if (path.ends_with(".log")) here.push_back(std::move(path));
    }
    if (!here.empty()) here.pop_back();  // the active one
    for (std::string& path : here) logs.push_back(std::move(path));
  }
  if (logs.empty()) return;
  const std::string& path = logs[pick(logs.size())];
  if (disk_.content(path)->size() < kBatchHeaderSize) return;
  const size_t position = random_.chance(50) ? 9 : 16;
  note(fmt::format("byte {} of {} changes", position, path));
  disk_.rot(path, position);
  topic->partitions[static_cast<size_t>(partition)].rotten = true;
  excuse_moves(topic->partitions[static_cast<size_t>(partition)]);
}

// While the node is stopped in order, a byte of the active segment, in one of its batches but the last. The records
// behind it are still there, and can be read.
void NodeSimulator::damage_active(const TopicPtr& topic, int32_t partition) {
  give_back();
  if (troubled_ || !wait_for_answers()) return;
  note(fmt::format("a stop in order, and a byte of the active segment of {}-{} changes", topic->name, partition));
  disk_.set_open_limit(0);
  if (!process_.stop()) return;
  std::vector<std::string> active;
  for (const char* volume : {"/a", "/b", "/c"}) {
    std::vector<std::string> here;
    for (std::string& path : disk_.paths_under(fmt::format("{}/{}-{}", volume, topic->name, partition))) {
      if (path.ends_with(".log")) here.push_back(std::move(path));
    }
    if (!here.empty()) active.push_back(std::move(here.back()));
  }
  std::vector<std::pair<size_t, BatchHeader>> batches;  // where they stand
  if (active.size() == 1) {
    const std::string& content = *disk_.content(active[0]);
    BatchIterator all(content);
    for (size_t at = 0; all.next(); at += all.batch().bytes().size()) batches.emplace_back(at, all.batch().header());
  }
  if (batches.size() < 2) return start_node();
  const size_t at = batches[pick(batches.size() - 1)].first;
  const size_t byte = at + (random_.chance(50) ? 9 : 16);
  note(fmt::format("byte {} of {} changes", byte, active[0]));
  disk_.rot(active[0], byte);
  topic->partitions[static_cast<size_t>(partition)].rotten = true;
  excuse_moves(topic->partitions[static_cast<size_t>(partition)]);
  start_node();
  const BatchHeader& last = batches.back().second;
  auto data = process_.alive() ? fetch(topic, partition, last.last_offset(), false, 1 << 20) : std::nullopt;
  // Its checkpoint was lost, too: the high watermark waits for a sync.
  for (int tries = 0; tries < 60 && data && data->error_code == ErrorCode::kNone &&
                      data->high_watermark <= last.last_offset(); tries++) {
    machine_.pass(1000, false);
    data = process_.alive() ? fetch(topic, partition, last.last_offset(), false, 1 << 20) : std::nullopt;
  }
  const PartitionModel& model = topic->partitions[static_cast<size_t>(partition)];
  const bool kept = topic->must_be("retention.ms", "-1") && topic->must_be("retention.bytes", "-1") &&
                    model.deletable_up_to <= last.last_offset();
  if (!data || failed() || !kept) return;
  const Bytes bytes = data->records ? data->records->flatten().value() : Bytes();
  BatchIterator found(bytes);
  if (data->error_code != ErrorCode::kNone || !found.next() || found.batch().header().base_offset != last.base_offset) {
    fail(fmt::format("{}-{}: offset {} is behind damage, and cannot be read: {}", topic->name, partition,
                     last.last_offset(), error_name(data->error_code)));
  }
}

void NodeSimulator::lose_checkpoint(Aim aim) {
  give_back();
  static const char* const kNames[] = {"recovery-point-offset-checkpoint", "replication-offset-checkpoint",
                                       "cleaner-offset-checkpoint"};
  std::set<std::string> lost;
  if (aim == Aim::kAll && random_.chance(70)) {
    const std::string directory = a_directory();
    for (const char* name : kNames) lost.insert(directory + "/" + name);
  }
  for (size_t count = random_.chance(50) ? 1 : pick(6) + 1; count > 0; count--)
    lost.insert(a_directory() + "/" + kNames[pick(std::size(kNames))]);
  note("a stop in order, and checkpoints go");
  if (troubled_ || short_) forget_late_starts();
  disk_.set_open_limit(0);
  if (!process_.stop()) return;
  for (const std::string& path : lost) {
    note(path + " goes");
    disk_.drop(path);
  }
  start_node();
}

std::string NodeSimulator::make_old_records(PartitionModel& model) {
  const auto magic = static_cast<int8_t>(pick(2));
  std::string log;
  for (int64_t offset = 0, count = static_cast<int64_t>(pick(4)) + 1; offset < count; offset++) {
    Record record;
    record.number = ++last_number_;
    record.key = fmt::format("k{}", pick(plan_.keys));
    record.timestamp = 0;
    record.fate = Fate::kAcked;
    record.offset = offset;
    record.promised = true;
    log += old_message(magic, offset, wall_ms(), record.key, std::to_string(record.number));
    model.records.emplace(record.number, record);
  }
  return log;
}

// As if the directory were an old Kafka's. After an unclean stop all of it is read.
void NodeSimulator::bring_old_records() {
  TopicPtr topic = a_topic();
  if (topic == nullptr || troubled_) return;
  const size_t partition = pick(topic->partitions.size());
  PartitionModel& model = topic->partitions[partition];
  if (!model.records.empty() || model.deleting || !model.starts.empty()) return;
  give_back();
  machine_.pass(2000, false);  // its directory is made
  note(fmt::format("a stop in order, and {}-{} is an old Kafka's", topic->name, partition));
  if (!process_.stop()) return;
  const bool clean = random_.chance(50);
  std::vector<std::string> homes;
  for (const char* volume : {"/a", "/b", "/c"}) {
    const bool there = disk_.content(fmt::format("{}/{}-{}/partition.metadata", volume, topic->name, partition));
    if (there) homes.emplace_back(volume);
  }
  if (homes.size() > 1) homes.clear();  // one of them was left by a move
  for (const std::string& volume : homes) {
    const std::string directory = fmt::format("{}/{}-{}", volume, topic->name, partition);
    const std::string* identity = disk_.content(directory + "/partition.metadata");
    disk_.put(directory + "/partition.metadata", std::string(*identity));  // it is synced
    for (const std::string& path : disk_.paths_under(directory)) {
      if (!path.ends_with("/partition.metadata")) disk_.drop(path);
    }
    disk_.put(directory + "/00000000000000000000.log", make_old_records(model));
    for (const char* name : {"recovery-point-offset-checkpoint", "replication-offset-checkpoint"}) {
      const std::string path = fmt::format("{}/{}", volume, name);
      const std::string* content = disk_.content(path);
      auto offsets = content == nullptr ? Result<log::OffsetCheckpoint>(log::OffsetCheckpoint())
                                        : log::decode_offset_checkpoint(*content);
      const TopicPartition key{topic->name, static_cast<int32_t>(partition)};
      (*offsets)[key] = clean ? static_cast<int64_t>(model.records.size()) : 0;
      disk_.put(path, log::encode_offset_checkpoint(*offsets));
    }
  }
  for (const char* volume : {"/a", "/b", "/c"}) {
    if (!clean) disk_.drop(fmt::format("{}/.kafka_cleanshutdown", volume));
  }
  start_node();
}

}  // namespace milena::sim
