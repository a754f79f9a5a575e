#include "broker/cluster/sasl_network.h"

#include <utility>
#include <vector>

#include "base/executor.h"
#include "security/sasl_login.h"

namespace milena::broker {
namespace {

// Percent of a session's time. Kafka's clients take a random part between these, so that they do not renew all at once.
constexpr int64_t kRenewAfter_percent = 85, kRenewWithin_percent = 10;

class SaslLink final : public Link, private LinkWatcher {
 public:
  SaslLink(Executor& executor, std::shared_ptr<const security::SaslCredentials> credentials,
           const std::string& client_id, LinkWatcher& watcher)
      : executor_(executor), credentials_(std::move(credentials)), client_id_(client_id), watcher_(watcher) {}
  ~SaslLink() override { executor_.cancel(renewal_); }

  void open(Network& below, size_t shard, const std::string& host, uint16_t port) {
    below_ = below.connect(shard, host, port, *this);
  }

  void send(Payload request) override {
    if (login_ != nullptr || renewal_is_due_) return waiting_.push_back(std::move(request));
    unanswered_++;
    below_->send(std::move(request));
  }

 private:
  void on_connected() override { log_in(); }
  void on_lost(const std::string& why) override { watcher_.on_lost(why); }
  void on_refused(const std::string& why) override { watcher_.on_refused(why); }

  void on_frame(Frame frame) override {
    if (login_ != nullptr) return take_answer(frame);
    if (unanswered_ > 0 && --unanswered_ == 0 && renewal_is_due_) log_in();
    watcher_.on_frame(std::move(frame));  // may destroy this object
  }

  void log_in() {
    renewal_is_due_ = false;
    login_ = std::make_unique<security::SaslLogin>(*credentials_, executor_.random(), client_id_);
    below_->send(login_->first_request());
  }

  void take_answer(const Frame& frame) {
    Result<std::optional<Payload>> next = login_->step(frame.bytes);
    if (!next.ok()) return watcher_.on_refused("SASL: " + next.error().message);
    if (*next) return below_->send(std::move(**next));
    const int64_t session_ms = login_->session_ms();
    login_.reset();
    if (session_ms > 0) renew_in(session_ms);
    if (!std::exchange(opened_, true)) return watcher_.on_connected();
    for (Payload& request : std::exchange(waiting_, {})) send(std::move(request));
  }

  void renew_in(int64_t session_ms) {
    const int64_t percent =
        kRenewAfter_percent + static_cast<int64_t>(executor_.random().next() % (kRenewWithin_percent + 1));
    // The time may be Long.MAX.
    const int64_t wait_ms = session_ms / 100 * percent + session_ms % 100 * percent / 100;
    renewal_ = executor_.call_after(wait_ms, [this] {
      renewal_ = 0;
      renewal_is_due_ = true;
      if (unanswered_ == 0) log_in();
    });
  }

  Executor& executor_;
  const std::shared_ptr<const security::SaslCredentials> credentials_;
  const std::string client_id_;
  LinkWatcher& watcher_;
  std::unique_ptr<Link> below_;
  std::unique_ptr<security::SaslLogin> login_;  // while it runs
  bool opened_ = false;
  bool renewal_is_due_ = false;
  TimerId renewal_ = 0;
  size_t unanswered_ = 0;
  std::vector<Payload> waiting_;  // requests that wait for the end of a renewal
};

}  // namespace

std::unique_ptr<Link> SaslNetwork::connect(size_t shard, const std::string& host, uint16_t port,
                                           LinkWatcher& watcher) {
  auto link = std::make_unique<SaslLink>(*executors_[shard], credentials_, client_id_, watcher);
  link->open(below_, shard, host, port);
  return link;
}

}  // namespace milena::broker
