#include "tools/seed/apply_seed.h"

#include "base/file.h"
#include "base/log.h"
#include "tools/records/record_sender.h"
#include "tools/scram_admin.h"

namespace milena::tools {
namespace {

constexpr const char* kAppliedFile = "/milena.seeds";

Error about(const std::string& what, const Error& error) {
  return make_error(error.kind, "{}: {}", what, error.message);
}

Result<bool> is_empty(Cluster& cluster, const std::string& name) {
  auto topic = cluster.topic(name);
  RETURN_IF_ERROR(topic);
  std::map<TopicPartitionName, int64_t> ends;
  for (const auto& partition : topic->partitions) ends[{name, partition.partition_index}] = kLatestTime;
  auto offsets = list_offsets(cluster, ends);
  RETURN_IF_ERROR(offsets);
  for (const auto& [partition, offset] : *offsets) {
    if (offset > 0) return false;
  }
  return offsets->size() == ends.size();
}

Status write_records(Cluster& cluster, const Seed::Topic& topic) {
  SenderOptions options;
  options.create_topics = false;
  RecordSender sender(cluster, options);
  for (const TextRecord& record : topic.records) RETURN_IF_ERROR(sender.add(record, topic.topic.name));
  RETURN_IF_ERROR(sender.flush());
  log_info("Wrote {} records of the seed file into topic {}", sender.sent(), topic.topic.name);
  return ok_status();
}

Status make_topic(Cluster& cluster, const Seed::Topic& topic) {
  const std::string& name = topic.topic.name;
  const Status created = create_topic(cluster, topic.topic);
  if (!created.ok() && created.error().kind != ErrorKind::kExists) return created;
  log_info("Topic {} of the seed file: {}", name, created.ok() ? "created" : "exists already");
  if (topic.records.empty()) return ok_status();
  auto empty = is_empty(cluster, name);
  RETURN_IF_ERROR(empty);
  if (*empty) return write_records(cluster, topic);
  log_info("Topic {} has records; those of the seed file are omitted", name);
  return ok_status();
}

Status make_user(Cluster& cluster, const Seed::User& user, bool is_replaced) {
  for (const security::ScramMechanism mechanism : user.mechanisms) {
    if (!is_replaced) {
      auto there = has_scram_user(cluster, user.name, mechanism);
      RETURN_IF_ERROR(there);
      if (*there) continue;
    }
    RETURN_IF_ERROR(set_scram_password(cluster, user.name, mechanism, user.password));
    log_info("User {}: {} credentials created", user.name, security::scram_mechanism_name(mechanism));
  }
  return ok_status();
}

}  // namespace

Status apply_seed(Cluster& cluster, const Seed& seed) {
  for (const Seed::Topic& topic : seed.topics) {
    const Status made = make_topic(cluster, topic);
    if (!made.ok()) return about("topic " + topic.topic.name, made.error());
  }
  for (const Seed::User& user : seed.users) {
    const Status made = make_user(cluster, user, seed.users_are_replaced);
    if (!made.ok()) return about("user " + user.name, made.error());
  }
  if (!seed.acls.empty()) {
    const Status made = create_acls(cluster, seed.acls);
    if (!made.ok()) return about("acls", made.error());
  }
  for (const Seed::Quota& quota : seed.quotas) {
    const Status made = alter_quotas(cluster, quota.entities, quota.values, {});
    if (!made.ok()) return about("quotas", made.error());
  }
  return ok_status();
}

bool is_seed_applied(const std::string& directory, const Seed& seed) {
  const Result<Bytes> applied = posix_file_system().read_file(directory + kAppliedFile);
  return applied.ok() && applied->find(seed.digest + "\n") != Bytes::npos;
}

Status note_seed_applied(const std::string& directory, const Seed& seed) {
  const std::string path = directory + kAppliedFile;
  const Result<Bytes> before = posix_file_system().read_file(path);
  return posix_file_system().write_file_atomically(path, (before.ok() ? *before : Bytes()) + seed.digest + "\n");
}

}  // namespace milena::tools
