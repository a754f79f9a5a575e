// RefusingNetwork: a network that refuses every connection with a reason. Used if the settings do not define how this
// node connects to others.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "broker/cluster/network.h"

namespace milena::broker {

class RefusingNetwork final : public Network {
 public:
  // The executors, one a shard, outlive it.
  RefusingNetwork(std::vector<Executor*> executors, std::string why)
      : executors_(std::move(executors)), why_(std::move(why)) {}

  std::unique_ptr<Link> connect(size_t shard, const std::string&, uint16_t, LinkWatcher& watcher) override {
    auto link = std::make_unique<NoLink>();
    executors_[shard]->post([alive = std::weak_ptr<char>(link->alive), &watcher, why = why_] {
      if (!alive.expired()) watcher.on_refused(why);
    });
    return link;
  }

 private:
  struct NoLink final : Link {
    void send(Payload) override {}
    std::shared_ptr<char> alive = std::make_shared<char>();
  };

  const std::vector<Executor*> executors_;
  const std::string why_;
};

}  // namespace milena::broker
