#include "broker/operations/http_service.h"

#include "broker/clients/call.h"
#include "broker/node.h"
#include "broker/operations/doctor_page.h"
#include "broker/operations/http_gate.h"
#include "broker/operations/http_session.h"
#include "broker/operations/metrics_page.h"
#include "broker/operations/readiness.h"
#include "broker/operations/tap.h"
#include "broker/shard.h"

namespace milena::broker {
namespace {

constexpr char kIndex[] =
    "Milena\n\n/metrics         the broker's metrics, for Prometheus\n/public_metrics  the same under Redpanda's "
    "names\n/livez           whether the broker runs\n/readyz          whether all its directories and partitions can "
    "be used, and if not, why\n/doctor          problems, with advice (?format=json)\n/tap             the requests of "
    "one client as they arrive (?client-id=X&count=N&format=json)";

}  // namespace

HttpService::HttpService(std::vector<Executor*> executors, std::string version,
                         std::shared_ptr<const HttpAccess> access)
    : executors_(std::move(executors)),
      access_(std::move(access)),
      metrics_(std::make_shared<MetricsPage>(std::move(version))) {
  if (access_ != nullptr) {
    for (Executor* each : executors_) computations_.push_back(std::make_shared<OneByOne>(*each));
  }
  router_.add("GET", "/", [](http::HttpCall call) { call.answer(http::HttpResponse::text(200, kIndex)); });
  router_.add("GET", "/livez", [](http::HttpCall call) { call.answer(http::HttpResponse::text(200, "alive")); });
  router_.add("GET", "/readyz", [this](http::HttpCall call) { serve_readiness(std::move(call)); });
  router_.add("GET", "/doctor", [this](http::HttpCall call) { examine_node(std::move(call)); });
  router_.add("GET", "/tap", [this](http::HttpCall call) { follow_client(std::move(call)); });
  router_.add("GET", "/metrics", [this](http::HttpCall call) { serve_metrics(std::move(call), nullptr); });
  router_.add("GET", "/public_metrics", [this](http::HttpCall call) { serve_metrics(std::move(call), "redpanda"); });
}

HttpService::~HttpService() = default;

std::unique_ptr<Session> HttpService::open(int shard, ConnectionInfo info, Transport& transport) {
  const auto index = static_cast<size_t>(shard);
  std::shared_ptr<HttpGate> gate;
  if (access_ == nullptr) {
    // Without passwords, a client that comes through the handshake has done all.
    if (info.security_protocol == security::SecurityProtocol::kSsl && node() != nullptr) {
      node()->shard(index).figures().http_listeners[info.listener_name].authenticated++;
    }
  } else {
    auto shard_now = [this, index] { return node() == nullptr ? nullptr : &node()->shard(index); };
    gate = std::make_shared<HttpGate>(access_, computations_[index], *executors_[index], shard_now, std::move(info));
  }
  return HttpSession::open(router_, *executors_[index], shard, std::move(gate), transport);
}

void HttpService::on_failed_handshake(int shard, const ConnectionInfo& info, const std::string& reason) {
  Node* present = node();
  if (present == nullptr) return;
  Shard& on = present->shard(static_cast<size_t>(shard));
  on.figures().http_listeners[info.listener_name].not_authenticated++;
  note_refusal(on, ConnectionState{.info = info}, RefusalKind::kTls, {}, reason);
}

void HttpService::serve_readiness(http::HttpCall call) const {
  Node* asked = node();
  if (asked == nullptr) {
    return call.answer(readiness_response({stopping_ ? "the broker is stopping" : "the broker is starting"}));
  }
  look_for_unreadiness(
      asked->shard(static_cast<size_t>(call.shard)),
      [answer = std::move(call.answer)](std::vector<std::string> reasons) { answer(readiness_response(reasons)); });
}

void HttpService::examine_node(http::HttpCall call) const {
  Node* asked = node();
  if (asked == nullptr) return call.answer(http::HttpResponse::text(503, "the broker is starting or stopping"));
  serve_doctor(*asked, std::move(call));
}

void HttpService::follow_client(http::HttpCall call) const {
  Node* asked = node();
  if (asked == nullptr) return call.answer(http::HttpResponse::text(503, "the broker is starting or stopping"));
  serve_tap(*asked, std::move(call));
}

void HttpService::serve_metrics(http::HttpCall call, const char* always) const {
  Node* asked = node();
  if (asked == nullptr) return call.answer(http::HttpResponse::text(503, "the broker is starting or stopping"));
  metrics_->serve(*asked, std::move(call), always);
}

}  // namespace milena::broker
