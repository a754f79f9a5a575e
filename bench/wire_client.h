// milena_bench_wire: clients over plain sockets, in one thread: members of groups by the thousand, producers with a
// fixed rate, a look at a cluster. One command, one line of JSON; it exits with 0 only if all requests succeeded.
//
// WireClient is the common part: connections on one epoll loop, requests encoded with Milena's own messages, each
// response passed to its handler. Responses of a connection come in the order of its requests.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "protocol/reader.h"
#include "protocol/request_header.h"
#include "protocol/writer.h"

namespace milena::bench {

using Arguments = std::map<std::string, std::string>;

int64_t number(const Arguments& arguments, const std::string& name, int64_t fallback);
const std::string& text(const Arguments& arguments, const std::string& name);
double now_s();
// The value that this share of the values does not exceed.
double at_share(std::vector<double> values, double share);
[[noreturn]] void give_up(const std::string& why);

class WireClient {
 public:
  // Reads the body of a response.
  using OnAnswer = std::function<void(Reader&)>;

  WireClient(int port, size_t connections);
  ~WireClient();

  size_t connection_count() const { return connections_.size(); }
  // One more connection; nullopt if nobody listens.
  std::optional<size_t> connect(int port);
  bool is_open(size_t connection) const { return connections_[connection]->fd >= 0; }
  // Called when a broker closes a connection, from run_until; what was asked there gets no answer. Without a handler
  // the program ends.
  void on_close(std::function<void(size_t)> handler) { on_close_ = std::move(handler); }

  // Handlers may send further requests.
  template <class Response, class Request>
  void ask(size_t connection, const Request& request, int16_t version, std::function<void(Response&)> on_answer) {
    Writer writer;
    writer.write_int32(0);
    RequestHeader header;
    header.api_key = static_cast<int16_t>(Request::kApiKey);
    header.api_version = version;
    header.client_id = "bench";
    header.write(writer);
    request.write(writer, version);
    writer.overwrite_int32(0, static_cast<int32_t>(writer.size() - 4));
    send(connection, writer.take().flatten().value(), [version, on_answer = std::move(on_answer)](Reader& reader) {
      ResponseHeader answer_header;
      answer_header.read(reader, Response::kApiKey, version);
      Response response;
      response.read(reader, version);
      if (!reader.ok()) give_up("an answer cannot be decoded");
      on_answer(response);
    });
  }

  // Runs the task at that time; in the order of the times.
  void at(double when_s, std::function<void()> task) { timers_.emplace(when_s, std::move(task)); }
  // Sends and receives until `done`.
  void run_until(const std::function<bool()>& done, double deadline_s, const std::string& what);

 private:
  struct Connection {
    size_t index = 0;
    int fd = -1;
    Bytes out;
    Bytes in;
    std::deque<OnAnswer> waiting;
    bool writes = false;
  };

  void send(size_t connection, Bytes frame, OnAnswer on_answer);
  void flush(Connection& connection);
  void receive(Connection& connection);
  void add(int fd);
  void closed(Connection& connection, const std::string& why);
  void watch(Connection& connection, bool writes);

  int epoll_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::multimap<double, std::function<void()>> timers_;
  std::function<void(size_t)> on_close_;
};

// Creates the topic, with that many partitions, and a coordinator, of groups (0) or transactions (1): both are ready
// when it returns.
void prepare(WireClient& client, const std::string& topic, int32_t partitions, int8_t key_type = 0);

// The commands (group_commands.cc, transaction_commands.cc, cluster_commands.cc).
int one_group(const Arguments& arguments);
int many_groups(const Arguments& arguments);
int commit_offsets(const Arguments& arguments);
int fetch_offsets(const Arguments& arguments);
int paced_transactions(const Arguments& arguments);
int acknowledgements(const Arguments& arguments);
int wait_for_cluster(const Arguments& arguments);

}  // namespace milena::bench
