#include "broker/controller/broker_sessions.h"

#include <algorithm>
#include <vector>

#include "base/log.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/shard_context.h"

namespace milena::broker {
namespace {

// After this time since this controller's start, a live broker has sent a heartbeat. A later registration of the same
// id by another process is the same broker started again.
constexpr int64_t kHeardOfAgain_ms = 1000;

}  // namespace

void BrokerSessions::start() {
  const ShardContext& home = runtime_.home();
  for (const auto& [id, broker] : runtime_.controller().image().brokers()) {
    if (id == home.node().node_id || broker.fenced) continue;
    touch(id, broker.epoch);
    sessions_[id].assumed = true;
  }
}

void BrokerSessions::stop() {
  stopped_ = true;
  sessions_.clear();
  runtime_.home().executor().cancel(std::exchange(timer_, 0));
}

metadata::Controller::BrokerContact BrokerSessions::contact(int32_t broker_id) const {
  metadata::Controller::BrokerContact contact;
  const auto found = sessions_.find(broker_id);
  if (found != sessions_.end()) {
    const bool heard_of = !found->second.assumed || runtime_.home().strict_kafka() ||
                          runtime_.home().steady_ms() - found->second.heard_ms < kHeardOfAgain_ms;
    contact.in_session = heard_of;
    contact.shutdown_offset = found->second.shutdown_offset;
  }
  int64_t least = INT64_MAX;
  for (const auto& [id, session] : sessions_) {
    const metadata::BrokerImage* broker = runtime_.controller().image().find_broker(id);
    if (broker == nullptr || broker->fenced) continue;
    // Its fetches are newer than its heartbeats.
    least = std::min(least, std::max(session.metadata_offset, runtime_.observers().end_of(id) - 1));
  }
  contact.least_active_offset = least;
  return contact;
}

void BrokerSessions::touch(int32_t broker_id, int64_t broker_epoch) {
  if (stopped_ || broker_id == runtime_.home().node().node_id) return;
  SessionState& session = sessions_[broker_id];
  if (session.broker_epoch != broker_epoch) session = SessionState{.broker_epoch = broker_epoch};
  session.assumed = false;
  session.heard_ms = runtime_.home().steady_ms();
  session.expires_ms = session.heard_ms + runtime_.home().settings().get_int("broker.session.timeout.ms");
  if (timer_ == 0) arm(session.expires_ms);
}

void BrokerSessions::note_offset(int32_t broker_id, int64_t metadata_offset) {
  if (auto found = sessions_.find(broker_id); found != sessions_.end()) {
    found->second.metadata_offset = metadata_offset;
  }
}

void BrokerSessions::note_shutdown(int32_t broker_id, int64_t offset) {
  if (auto found = sessions_.find(broker_id); found != sessions_.end() && found->second.shutdown_offset < 0) {
    found->second.shutdown_offset = offset;
  }
}

// One timer for the session that ends first. A heartbeat does not move it: when it fires it is set again.
void BrokerSessions::arm(int64_t at_ms) {
  Executor& executor = runtime_.home().executor();
  executor.cancel(timer_);
  timer_ms_ = at_ms;
  timer_ = executor.call_at(at_ms, [this] {
    timer_ = 0;
    expire();
  });
}

void BrokerSessions::expire() {
  const int64_t now_ms = runtime_.home().steady_ms();
  int64_t next_ms = INT64_MAX;
  std::vector<std::pair<int32_t, int64_t>> lost;
  for (const auto& [id, session] : sessions_) {
    if (session.expires_ms <= now_ms) {
      lost.emplace_back(id, session.broker_epoch);
    } else {
      next_ms = std::min(next_ms, session.expires_ms);
    }
  }
  for (const auto& [id, epoch] : lost) fence(id, epoch, "sent no heartbeat for broker.session.timeout.ms");
  if (next_ms != INT64_MAX) arm(next_ms);
}

void BrokerSessions::fence(int32_t broker_id, int64_t broker_epoch, const char* why) {
  sessions_.erase(broker_id);
  const metadata::BrokerImage* broker = runtime_.controller().image().find_broker(broker_id);
  if (broker == nullptr || broker->epoch != broker_epoch || broker->fenced) return;
  log_info("Broker {} {}; it is fenced", broker_id, why);
  runtime_.submit<std::monostate>(
      runtime_.home().shard(),
      [broker_id](const metadata::Controller& controller) { return controller.fence_lost_broker(broker_id); },
      [](std::monostate) {});
}

void BrokerSessions::on_disconnected(int32_t broker_id, int64_t broker_epoch) {
  const auto found = sessions_.find(broker_id);
  const ShardContext& home = runtime_.home();
  if (stopped_ || found == sessions_.end() || found->second.broker_epoch != broker_epoch || home.strict_kafka()) return;
  const int64_t grace_ms = home.settings().get_int("milena.broker.disconnect.grace.ms");
  if (grace_ms < 0) return;
  home.executor().call_after(grace_ms, [this, broker_id, broker_epoch, heard_ms = home.steady_ms()] {
    const auto now = sessions_.find(broker_id);
    if (stopped_ || now == sessions_.end() || now->second.broker_epoch != broker_epoch) return;
    if (now->second.heard_ms > heard_ms) return;
    fence(broker_id, broker_epoch, "has closed the connection of its heartbeats");
  });
}

}  // namespace milena::broker
