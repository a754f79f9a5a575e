// TransactionShard: InitProducerId of transactional producers. Versions: 3 the client sends its id and epoch (KIP-360),
// 4 PRODUCER_FENCED where earlier ones get INVALID_PRODUCER_EPOCH.
#include <utility>

#include "base/log.h"
#include "coordinator/transaction/planted_bugs.h"
#include "coordinator/transaction/transaction_shard.h"

namespace milena::coordinator {
namespace {

constexpr int16_t kFirstInitVersionWithProducerFenced = 4;

// The producer ids with which a client may ask for its next epoch: the current one, or, if the response with it was
// lost, the previous one.
bool knows_producer_id(const TransactionMetadata& found, int64_t producer_id, int16_t producer_epoch) {
  return found.producer_epoch == kNoProducerEpoch || producer_id == found.producer_id ||
         (producer_id == found.previous_producer_id && producer_epoch >= kLastClientEpoch);
}

}  // namespace

void TransactionShard::answer_init(Turn& turn, const Asker& asker, ErrorCode error,
                                   const TransactionMetadata* metadata) {
  answer_producer<InitProducerIdResponse>(turn, asker, kFirstInitVersionWithProducerFenced, error, metadata);
}

TransactionEffects TransactionShard::init_producer_id(const Caller& caller, const InitProducerIdRequest& request,
                                                      Now now) {
  Turn turn = begin(now);
  InitRequest asked;
  asked.asker = {caller.token, caller.api_version};
  asked.transactional_id = request.transactional_id.value_or("");
  asked.timeout_ms = request.transaction_timeout_ms;
  asked.producer_id = request.producer_id;
  asked.producer_epoch = request.producer_epoch;
  if (asked.transactional_id.empty()) {
    answer_init(turn, asked.asker, ErrorCode::kInvalidRequest);
  } else if (asked.timeout_ms <= 0 || asked.timeout_ms > config_.max_timeout_ms) {
    answer_init(turn, asked.asker, ErrorCode::kInvalidTransactionTimeout);
  } else {
    init(turn, asked, std::nullopt);
  }
  return finish(std::move(turn));
}

void TransactionShard::init(Turn& turn, const InitRequest& request, GivenId given_id) {
  const auto wait_for_id = [&] {
    ask_for_id(turn, [this, request](Turn& later, ErrorCode error, int64_t producer_id) {
      if (error != ErrorCode::kNone) return answer_init(later, request.asker, error);
      init(later, request, producer_id);
    });
  };
  TransactionMetadata fresh;
  const TransactionMetadata* found = find(request.transactional_id);
  if (found == nullptr) {
    if (!given_id) return wait_for_id();
    fresh.producer_id = *given_id;
    found = &fresh;
  }
  if (found->is_ending() && MILENA_PLANTED(kInitDoesNotWait)) {
    TransactionMetadata early = *found;
    early.producer_epoch = static_cast<int16_t>(early.producer_epoch + 1);
    step(turn, request.transactional_id, early);
    return answer_init(turn, request.asker, ErrorCode::kNone, &early);
  }
  if (found->is_ending()) return answer_init(turn, request.asker, ErrorCode::kConcurrentTransactions);
  if (request.resumes() && !knows_producer_id(*found, request.producer_id, request.producer_epoch)) {
    return answer_init(turn, request.asker, ErrorCode::kProducerFenced);
  }
  if (found->state == TransactionState::kOngoing) {
    // A new producer with the id takes it over. It asks again until the old transaction has ended.
    if (!abort_and_fence(turn, request.transactional_id, *found, given_id)) return wait_for_id();
    return answer_init(turn, request.asker, ErrorCode::kConcurrentTransactions);
  }
  std::optional<TransactionMetadata> next;
  if (found->epoch_exhausted()) {
    // As in Kafka, a client with an older epoch gets an error here.
    if (request.resumes() && request.producer_epoch != found->producer_epoch) {
      return answer_init(turn, request.asker, ErrorCode::kUnknownServerError);
    }
    if (!given_id) return wait_for_id();
    next = with_new_producer_id(*found, *given_id, request.timeout_ms, request.resumes(), turn.now.wall_ms);
  } else {
    next = with_next_epoch(*found, request.timeout_ms,
                           request.resumes() ? std::optional(request.producer_epoch) : std::nullopt, turn.now.wall_ms);
  }
  if (!next) return answer_init(turn, request.asker, ErrorCode::kProducerFenced);
  step(turn, request.transactional_id, *next);
  answer_init(turn, request.asker, ErrorCode::kNone, &*next);
}

}  // namespace milena::coordinator
