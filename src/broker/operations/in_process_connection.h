// InProcessConnection: a connection of this process to its own node, without a socket: what the node is asked for at
// its start (a seed file) goes through the same handlers as a client's requests. Nobody else can have one, so the
// authorizer is not asked.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/executor.h"
#include "broker/clients/session.h"

namespace milena::broker {

class InProcessConnection final : public Transport {
 public:
  // `executor` is that of shard 0, which must run until the connection is destroyed. Answers name the addresses that
  // clients of this listener are told. From any thread but the shard's, as everything here that is public.
  InProcessConnection(SessionFactory& sessions, Executor& executor, std::string listener_name);
  ~InProcessConnection() override;

  // A whole request, and its whole answer, both with their sizes. After an error nothing more may be asked.
  Result<Bytes> exchange(ByteView request, int64_t timeout_ms);

 private:
  // On the shard's thread.
  void send(Payload answer) override;
  void send_nothing() override;
  void pause(int64_t) override {}
  void close(std::string reason) override;

  void settle(Result<Bytes> answer);
  // Runs it on the shard's thread, and waits.
  void run_there(Task task);

  Executor& executor_;
  std::unique_ptr<Session> session_;  // the shard's
  std::mutex mutex_;
  std::condition_variable settled_;
  std::optional<Result<Bytes>> answer_;
  bool broken_ = false;  // an answer may still come that nobody waits for
};

}  // namespace milena::broker
