// The quorum that a metadata log belongs to, from the control records in it and in its snapshots: the level of
// kraft.version (KIP-853) and the voters. On level 0 the voters are those of the settings. On level 1 they are in the
// log, with their directories and addresses. A quorum of one works the same on either level. Functions over bytes; any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "config/config_listeners.h"
#include "log/snapshot_file.h"
#include "protocol/records/record_batch.h"

namespace milena::broker {

struct QuorumVoter {
  int32_t id = -1;
  Uuid directory_id;  // zero if it is not known
};

// A later record overrides an earlier one.
struct QuorumRecords {
  int16_t kraft_version = 0;
  // Nullopt: no VotersRecord was seen.
  std::optional<std::vector<QuorumVoter>> voters;
  // The voters of the last election (LeaderChange); empty if none was seen.
  std::vector<QuorumVoter> electors;
};

// Adds a control record, or a batch of them. Returns kUnsupported for records of a newer Kafka: a quorum that is not
// understood must not be led.
Status add_quorum_record(ControlRecordType type, ByteView value, QuorumRecords& into);
Status add_quorum_batch(const RecordBatchView& batch, QuorumRecords& into);

// Returns kInvalid, with advice, unless the node is the only voter. `noted_voters` are those of quorum-state: empty if
// it names none, nullopt if there is no such file. `directory` is for the message.
Status check_sole_voter(const QuorumRecords& quorum, const std::optional<std::vector<int32_t>>& noted_voters,
                        const QuorumVoter& self, const std::string& directory);

// The batches that upgrade from level 0 to 1, with this one voter.
Bytes kraft_upgrade_batches(int32_t epoch, int64_t now_ms, int32_t voter_id, const Uuid& directory_id,
                            const std::vector<config::ListenerEndpoint>& endpoints);

}  // namespace milena::broker
