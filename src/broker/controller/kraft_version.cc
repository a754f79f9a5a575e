#include "broker/controller/kraft_version.h"

#include <fmt/format.h>

#include "protocol/messages/control/kraft_version.h"
#include "protocol/messages/control/leader_change.h"
#include "protocol/messages/control/voters.h"
#include "protocol/reader.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_iterator.h"
#include "protocol/writer.h"

namespace milena::broker {
namespace {

constexpr int16_t kDynamicQuorum = 1;

// Reads a control record's value, which begins with its version.
template <class Record>
Result<Record> decode(ByteView what, ByteView value) {
  Reader versions(value);
  const int16_t version = versions.read_int16();
  if (versions.ok() && version > Record::kMaxVersion) {
    return make_error(ErrorKind::kUnsupported,
                      "the metadata log has a {} of version {}, the newest known here is {}: a newer Kafka wrote it",
                      what, version, Record::kMaxVersion);
  }
  Reader reader(value);
  Record record;
  if (versions.ok() && version >= 0) record.read(reader, version);
  if (!versions.ok() || version < 0 || !reader.ok()) {
    return make_error(ErrorKind::kCorrupt, "the metadata log has a {} that cannot be read", what);
  }
  return record;
}

bool is_only(const std::vector<QuorumVoter>& voters, const QuorumVoter& self) {
  return voters.size() == 1 && voters[0].id == self.id &&
         (voters[0].directory_id == Uuid{} || voters[0].directory_id == self.directory_id);
}

std::string describe(const std::vector<QuorumVoter>& voters) {
  std::string all;
  for (const QuorumVoter& voter : voters) {
    all += fmt::format("{}{}", all.empty() ? "" : ", ", voter.id);
    if (!(voter.directory_id == Uuid{})) all += fmt::format(" (directory {})", voter.directory_id.to_string());
  }
  return all.empty() ? "nobody" : all;
}

}  // namespace

Status add_quorum_record(ControlRecordType type, ByteView value, QuorumRecords& into) {
  if (type == ControlRecordType::kKraftVersion) {
    auto record = decode<KRaftVersionRecord>("KRaftVersionRecord", value);
    RETURN_IF_ERROR(record);
    if (record->kraft_version < 0 || record->kraft_version > kDynamicQuorum) {
      return make_error(
          ErrorKind::kUnsupported,
          "the metadata log has level {} of kraft.version, supported here is 0 to {}: a newer Kafka wrote it",
          record->kraft_version, kDynamicQuorum);
    }
    into.kraft_version = record->kraft_version;
  } else if (type == ControlRecordType::kKraftVoters) {
    auto record = decode<VotersRecord>("VotersRecord", value);
    RETURN_IF_ERROR(record);
    into.voters.emplace();
    for (const auto& voter : record->voters) into.voters->push_back({voter.voter_id, voter.voter_directory_id});
  } else if (type == ControlRecordType::kLeaderChange) {
    auto record = decode<LeaderChangeMessage>("LeaderChangeMessage", value);
    RETURN_IF_ERROR(record);
    into.electors.clear();
    for (const auto& voter : record->voters) into.electors.push_back({voter.voter_id, voter.voter_directory_id});
  }
  return ok_status();
}

Status add_quorum_batch(const RecordBatchView& batch, QuorumRecords& into) {
  if (!batch.header().is_control()) return ok_status();
  RecordIterator records(batch);
  while (records.next()) {
    auto type = parse_control_record_key(records.record().key);
    RETURN_IF_ERROR(type);
    RETURN_IF_ERROR(add_quorum_record(*type, records.record().value.value_or(ByteView()), into));
  }
  return records.status();
}

Status check_sole_voter(const QuorumRecords& quorum, const std::optional<std::vector<int32_t>>& noted_voters,
                        const QuorumVoter& self, const std::string& directory) {
  std::vector<QuorumVoter> voters;
  if (quorum.voters) {
    voters = *quorum.voters;
  } else if (noted_voters && !noted_voters->empty()) {
    for (int32_t id : *noted_voters) voters.push_back({id, {}});
  } else if (!noted_voters && !quorum.electors.empty()) {
    voters = quorum.electors;
  } else {
    return ok_status();
  }
  if (is_only(voters, self)) return ok_status();
  return make_error(ErrorKind::kInvalid,
                    "{} belongs to a quorum whose voters are {}, and this node, {}, would lead it alone: its records "
                    "would be lost as soon as the other voters are back. To continue with this node alone, first make "
                    "it the only voter while the quorum is up (kafka-metadata-quorum.sh remove-controller; a quorum of "
                    "controller.quorum.voters needs kraft.version=1 for that); otherwise start it with Kafka, or set "
                    "log.dirs to another directory",
                    directory, describe(voters), describe({self}));
}

Bytes kraft_upgrade_batches(int32_t epoch, int64_t now_ms, int32_t voter_id, const Uuid& directory_id,
                            const std::vector<config::ListenerEndpoint>& endpoints) {
  KRaftVersionRecord level;
  level.kraft_version = kDynamicQuorum;
  VotersRecord voters;
  auto& voter = voters.voters.emplace_back();
  voter.voter_id = voter_id;
  voter.voter_directory_id = directory_id;
  for (const config::ListenerEndpoint& endpoint : endpoints) {
    voter.endpoints.push_back(
        {endpoint.listener_name, config::is_wildcard(endpoint.host) ? "localhost" : endpoint.host, endpoint.port});
  }
  voter.kraft_version_feature.max_supported_version = kDynamicQuorum;
  Bytes batches = build_control_batch(0, epoch, now_ms, ControlRecordType::kKraftVersion, write_message(level, 0));
  return batches + build_control_batch(0, epoch, now_ms, ControlRecordType::kKraftVoters, write_message(voters, 0));
}

}  // namespace milena::broker
