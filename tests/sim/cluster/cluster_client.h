// ClusterClient: a client's connections to the nodes of a simulated cluster. Requests are sent in order on a
// connection; each is answered, or lost with it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "protocol/request_frame.h"
#include "sim/cluster/sim_network.h"
#include "sim/wire.h"

namespace milena::sim {

class ClientLink final : public broker::LinkWatcher {
 public:
  ClientLink(SimNetwork& network, uint16_t port) : link_(network.connect(nullptr, 0, port, *this)) {}

  bool lost() const { return lost_; }
  int32_t next_correlation() { return ++correlation_; }
  void send(Bytes frame, OnAnswer then) {
    asked_.push_back(std::move(then));
    if (connected_) return link_->send(Payload(std::move(frame)));
    queued_.push_back(std::move(frame));
  }
  // Requests without a response are lost.
  void drop() {
    if (std::exchange(lost_, true)) return;
    link_.reset();
    for (OnAnswer& then : std::exchange(asked_, {})) then(nullptr);
  }

  void on_connected() override {
    connected_ = true;
    for (Bytes& frame : std::exchange(queued_, {})) link_->send(Payload(std::move(frame)));
  }
  void on_frame(broker::Frame frame) override {
    OnAnswer then = std::move(asked_.front());
    asked_.pop_front();
    then(&frame.bytes);
  }
  void on_lost(const std::string&) override { drop(); }

 private:
  std::unique_ptr<broker::Link> link_;
  bool connected_ = false;
  bool lost_ = false;
  int32_t correlation_ = 0;
  std::deque<Bytes> queued_;
  std::deque<OnAnswer> asked_;
};

class ClusterClient {
 public:
  explicit ClusterClient(SimNetwork& network) : network_(network) {}
  ~ClusterClient() { drop_all(); }

  // `then` gets the response, or null if it is lost.
  template <class Response, class Request>
  std::shared_ptr<ClientLink> ask(uint16_t port, size_t which, const Request& request, int16_t version,
                                  std::function<void(const Response*)> then) {
    std::shared_ptr<ClientLink>& link = links_[{port, which}];
    if (link == nullptr || link->lost()) link = std::make_shared<ClientLink>(network_, port);
    auto kept = link;
    kept->send(request_frame(request, version, link->next_correlation(), "sim").flatten().value(),
               read_answer(version, std::move(then)));
    return kept;
  }
  void drop_all() {
    for (auto& [where, link] : std::exchange(links_, {})) link->drop();
  }

 private:
  SimNetwork& network_;
  std::map<std::pair<uint16_t, size_t>, std::shared_ptr<ClientLink>> links_;
};

}  // namespace milena::sim
