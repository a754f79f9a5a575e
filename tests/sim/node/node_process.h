// NodeProcess: the processes of one broker on a VirtualMachine, and the connections to it.
#pragma once

#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/clients/session.h"
#include "broker/node.h"
#include "config/settings.h"
#include "protocol/request_frame.h"
#include "sim/node/virtual_machine.h"
#include "sim/wire.h"

namespace milena::sim {

// A client's connection: requests are sent in order, and each is answered, or lost with the connection.
class Connection final : public broker::Transport {
 public:
  Connection(broker::Node& node, int shard, Executor& executor, uint64_t id);
  ~Connection() override;

  // `then` gets the response, or null if it is lost.
  template <class Response, class Request>
  void ask(const Request& request, int16_t version, std::function<void(const Response*)> then) {
    Bytes frame = request_frame(request, version, ++last_sent_, "sim").flatten().value().substr(4);
    send_frame(std::move(frame), read_answer(version, std::move(then)));
  }

  // The pending requests.
  size_t open_requests() const { return asked_.size(); }
  bool closed() const { return closed_; }
  const std::string& close_reason() const { return close_reason_; }
  // The process is gone, or the broker closed the connection. Calls all waiting callbacks.
  void lose_answers();
  // Notifies the broker's side; the process lives.
  void disconnect();

  void send(Payload answer) override;
  void send_nothing() override;
  void pause(int64_t) override {}
  void close(std::string reason) override;

 private:
  struct Asked {
    Bytes frame;
    OnAnswer then;
  };

  void send_frame(Bytes frame, OnAnswer then);
  void feed_later();
  void feed();

  Executor& executor_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::deque<Asked> asked_;  // the first one is with the broker, if `in_flight_`
  bool in_flight_ = false;
  bool closed_ = false;
  std::string close_reason_;
  int32_t last_sent_ = 0;
  std::unique_ptr<broker::Session> session_;
};

class NodeProcess {
 public:
  NodeProcess(VirtualMachine& machine, VirtualDisk& disk, config::Settings settings, size_t shards);
  ~NodeProcess();

  // An error is the broker's. It may also die on the way: check alive().
  Status start();
  bool alive() const { return node_ != nullptr && !machine_.dead(); }
  bool started() const { return node_ != nullptr; }
  // Like SIGTERM. False if it died on the way.
  bool stop();
  // Removes a process that died, or is killed now. Responses under way are lost.
  void bury();

  // One of a few connections, created on use.
  Connection& connection(size_t which);
  bool waits_for_answers() const;
  broker::Node& node() { return *node_; }

 private:
  VirtualMachine& machine_;
  VirtualDisk& disk_;
  config::Settings settings_;
  size_t shards_;
  std::unique_ptr<broker::Node> node_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> lost_;  // closed ones, until their shard no longer uses them
  uint64_t last_connection_ = 0;
};

}  // namespace milena::sim
