#include "broker/kraft_version.h"

#include "protocol/messages/control/kraft_version.h"
#include "protocol/messages/control/voters.h"
#include "protocol/reader.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_iterator.h"
#include "protocol/writer.h"

namespace milena {
namespace {

constexpr int16_t kDynamicQuorum = 1;

std::optional<int16_t> version_in(ByteView value) {
  Reader reader(value);
  KRaftVersionRecord record;
  record.read(reader, 0);
  if (!reader.ok()) return std::nullopt;
  return record.kraft_version;
}

}  // namespace

std::optional<int16_t> kraft_version_in(const RecordBatchView& batch) {
  if (!batch.header().is_control()) return std::nullopt;
  std::optional<int16_t> found;
  RecordIterator records(batch);
  while (records.next()) {
    auto type = parse_control_record_key(records.record().key);
    if (!type || *type != ControlRecordType::kKraftVersion) continue;
    if (auto version = version_in(records.record().value.value_or(ByteView()))) found = version;
  }
  return found;
}

std::optional<int16_t> kraft_version_in(const std::vector<SnapshotFile::Control>& controls) {
  std::optional<int16_t> found;
  for (const SnapshotFile::Control& control : controls) {
    if (control.type != ControlRecordType::kKraftVersion) continue;
    if (auto version = version_in(control.value)) found = version;
  }
  return found;
}

Bytes kraft_upgrade_batches(int32_t epoch, int64_t now_ms, int32_t voter_id, const Uuid& directory_id,
                            const std::vector<ListenerEndpoint>& endpoints) {
  KRaftVersionRecord level;
  level.kraft_version = kDynamicQuorum;
  VotersRecord voters;
  auto& voter = voters.voters.emplace_back();
  voter.voter_id = voter_id;
  voter.voter_directory_id = directory_id;
  for (const ListenerEndpoint& endpoint : endpoints) {
    bool any_address = endpoint.host.empty() || endpoint.host == "0.0.0.0" || endpoint.host == "::";
    voter.endpoints.push_back({endpoint.listener_name, any_address ? "localhost" : endpoint.host, endpoint.port});
  }
  voter.kraft_version_feature.max_supported_version = kDynamicQuorum;
  Bytes batches = build_control_batch(0, epoch, now_ms, ControlRecordType::kKraftVersion, write_message(level, 0));
  return batches + build_control_batch(0, epoch, now_ms, ControlRecordType::kKraftVoters, write_message(voters, 0));
}

}  // namespace milena
