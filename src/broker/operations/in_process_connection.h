// InProcessConnection: a connection of this process to its own node, without a socket. Requests at the start (of a seed
// file) go through the same handlers as a client's requests. Only this process can make one, so the authorizer is not
// asked.
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
  // `executor` is that of shard 0, which must run until the connection is destroyed. Answers contain the addresses for
  // clients of this listener. All public methods may be called from any thread but the shard's.
  InProcessConnection(SessionFactory& sessions, Executor& executor, std::string listener_name);
  ~InProcessConnection() override;

  // Sends a whole request and returns its whole answer, both with their sizes. After an error it must not be called
  // again.
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
  bool broken_ = false;  // an answer that is no longer expected may still come
};

}  // namespace milena::broker
