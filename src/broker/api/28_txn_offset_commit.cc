// TxnOffsetCommit (key 28), versions 0-5: offsets that become visible when the producer's transaction commits. Version
// 2 leader epochs, 3 generation and member, 4 TRANSACTION_ABORTABLE, 5 adds the group's partition to the transaction by
// itself.
//
// Before the group's coordinator, the transaction's coordinator is asked whether the group's partition is part of it.
#include "broker/api/group_call.h"
#include "broker/api_entry.h"
#include "broker/coordinators/transaction_verification.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "protocol/messages/txn_offset_commit.h"

namespace milena::broker {
namespace {

using TxnOffsetCommitCall = Call<TxnOffsetCommitRequest, TxnOffsetCommitResponse>;

constexpr int16_t kFirstVersionOfLoadInProgress = 2;

// A commit in progress: the request to the coordinator, and the places of its answers.
struct TransactionalCommit {
  std::shared_ptr<TxnOffsetCommitCall> call;
  TxnOffsetCommitRequest known;  // views into the call's frame
  TxnOffsetCommitResponse response;
  std::vector<std::pair<size_t, size_t>> places;
  TopicPartitionId partition;  // of __consumer_offsets
  uint64_t guard = 0;
};

using CommitPtr = std::shared_ptr<TransactionalCommit>;

// Missing topics are answered here.
void sort_out_topics(TransactionalCommit& commit) {
  const TxnOffsetCommitRequest& request = commit.call->request;
  commit.known = request;
  commit.known.topics.clear();
  for (const auto& topic : request.topics) {
    const metadata::TopicImage* found = commit.call->context().image().find_topic(topic.name);
    const bool allowed = commit.call->allows(security::kReadTopic, topic.name);
    auto& out = commit.response.topics.emplace_back();
    out.name = Bytes(topic.name);
    TxnOffsetCommitRequest::TxnOffsetCommitRequestTopic known;
    known.name = topic.name;
    for (const auto& partition : topic.partitions) {
      out.partitions.push_back({partition.partition_index, allowed ? ErrorCode::kUnknownTopicOrPartition
                                                                   : ErrorCode::kTopicAuthorizationFailed});
      if (!allowed || found == nullptr || found->partition(partition.partition_index) == nullptr) continue;
      known.partitions.push_back(partition);
      commit.places.emplace_back(commit.response.topics.size() - 1, out.partitions.size() - 1);
    }
    if (!known.partitions.empty()) commit.known.topics.push_back(std::move(known));
  }
}

ErrorCode said_in_version(ErrorCode error, int16_t version) {
  bool unknown = error == ErrorCode::kCoordinatorLoadInProgress && version < kFirstVersionOfLoadInProgress;
  return unknown ? ErrorCode::kCoordinatorNotAvailable : error;
}

void answer_commit(TransactionalCommit& commit, ErrorCode error, const TxnOffsetCommitResponse* answer) {
  size_t next = 0;
  auto place = [&](ErrorCode code) {
    auto [t, p] = commit.places[next++];
    commit.response.topics[t].partitions[p].error_code = said_in_version(code, commit.call->version());
  };
  if (answer == nullptr) {
    while (next < commit.places.size()) place(error);
  } else {
    for (const auto& topic : answer->topics) {
      for (const auto& partition : topic.partitions) place(partition.error_code);
    }
  }
  commit.call->reply(commit.response);
}

void ask_group_coordinator(const CommitPtr& commit) {
  GroupRuntime::submit(
      commit->call->shard(), commit->partition.partition,
      [commit](coordinator::GroupShard& state, coordinator::AnswerToken token, coordinator::Now now) {
        coordinator::Effects effects =
            state.commit_offsets_in_transaction(GroupCaller(*commit->call, token), commit->known, now);
        if (effects.transaction) effects.transaction->guard = commit->guard;
        return effects;
      },
      [commit](ErrorCode error, coordinator::GroupResponse* answer) {
        answer_commit(*commit, error, answer == nullptr ? nullptr : &std::get<TxnOffsetCommitResponse>(*answer));
      });
}

// Maps errors of the transaction's coordinator to those of a group's coordinator (Kafka's GroupCoordinatorService).
ErrorCode as_group_error(ErrorCode error) {
  // The client repeats it without looking for the coordinator again.
  if (error == ErrorCode::kNetworkException) return ErrorCode::kCoordinatorLoadInProgress;
  return coordinator::group_error_of_append(error);
}

void verify_then_commit(const CommitPtr& commit) {
  const TxnOffsetCommitRequest& request = commit->call->request;
  TransactionalProducer producer{Bytes(request.transactional_id), request.producer_id, request.producer_epoch};
  std::vector<TopicPartition> partitions{{std::string(metadata::kConsumerOffsetsTopic), commit->partition.partition}};
  verify_in_transaction(commit->call->context(), producer, offset_commit_transaction_support(commit->call->version()),
                        std::move(partitions), [commit](std::vector<ErrorCode> errors) {
                          if (errors.at(0) == ErrorCode::kNone) return ask_group_coordinator(commit);
                          answer_commit(*commit, as_group_error(errors.at(0)), nullptr);
                        });
}

// On the shard of the group's partition: whether the transaction is already verified there.
struct GuardItem {
  TopicPartitionId id;
  int64_t producer_id;
  int16_t epoch;
  bool supports_epoch_bump;
  log::VerificationStart start;
};

void start_verification(Shard& owner, GuardItem& item) {
  Partition* partition = owner.replicas().find_partition(item.id);
  item.start.error = ErrorCode::kNotLeaderOrFollower;
  if (partition == nullptr) return;
  item.start = partition->start_verification(item.producer_id, item.epoch, kNoSequence, item.supports_epoch_bump);
}

ErrorCode check_access(const TxnOffsetCommitCall& call) {
  if (!call.allows(security::kWriteTransactionalId, call.request.transactional_id)) {
    return ErrorCode::kTransactionalIdAuthorizationFailed;
  }
  return call.allows(security::kReadGroup, call.request.group_id) ? ErrorCode::kNone
                                                                  : ErrorCode::kGroupAuthorizationFailed;
}

void refuse_commit(TxnOffsetCommitCall& call, ErrorCode error) {
  TxnOffsetCommitResponse response;
  for (const auto& topic : call.request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = Bytes(topic.name);
    for (const auto& partition : topic.partitions) out.partitions.push_back({partition.partition_index, error});
  }
  call.reply(response);
}

void handle_txn_offset_commit(std::shared_ptr<TxnOffsetCommitCall> call) {
  if (ErrorCode refused = check_access(*call); refused != ErrorCode::kNone) return refuse_commit(*call, refused);
  Shard& shard = call->shard();
  auto commit = std::make_shared<TransactionalCommit>();
  commit->call = call;
  sort_out_topics(*commit);
  if (commit->places.empty()) return call->reply(commit->response);
  if (call->request.group_id.empty()) return answer_commit(*commit, ErrorCode::kInvalidGroupId, nullptr);
  const metadata::TopicImage* offsets = shard.image().find_topic(metadata::kConsumerOffsetsTopic);
  if (offsets == nullptr) return answer_commit(*commit, ErrorCode::kNotCoordinator, nullptr);
  commit->partition = {offsets->id, GroupRuntime::partition_of(shard, call->request.group_id)};

  TransactionSupport support = offset_commit_transaction_support(call->version());
  bool adds = support == TransactionSupport::kAddPartition;
  if (!adds && !shard.verifies_transactions()) return ask_group_coordinator(commit);
  std::vector<GuardItem> items{
      {commit->partition, call->request.producer_id, call->request.producer_epoch, adds, {}}};
  shard.router().visit_each<GuardItem>(shard, std::move(items), &start_verification,
                                       [commit](std::vector<GuardItem> asked) {
                                         const log::VerificationStart& start = asked.at(0).start;
                                         if (start.error != ErrorCode::kNone) {
                                           return answer_commit(*commit, as_group_error(start.error), nullptr);
                                         }
                                         commit->guard = start.guard;
                                         start.guard == 0 ? ask_group_coordinator(commit) : verify_then_commit(commit);
                                       });
}

}  // namespace

ApiEntry txn_offset_commit_api() {
  return api_entry<TxnOffsetCommitCall, handle_txn_offset_commit>(
      {security::kWriteTransactionalId, security::kReadGroup, security::kReadTopic});
}

}  // namespace milena::broker
