// HttpGate: authenticates the requests of one HTTP connection, and asks the authorizer for them, with
// milena.http.authentication=basic. A client shows a name and a password, or has shown a certificate.
//
// Passwords are checked as with SASL: against the JAAS line for PLAIN, or the SCRAM credentials in the metadata. SCRAM
// needs thousands of rounds for one, so that is done on threads of low priority, one at a time for a shard, and once
// for each connection: later requests with the same header are served while the credential is the same. An unknown name
// takes as long as a wrong password. Belongs to the connection's shard.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/executor.h"
#include "broker/clients/session.h"
#include "config/settings.h"
#include "http/message.h"
#include "security/basic_credentials.h"
#include "security/sasl_plain.h"
#include "security/scram.h"

namespace milena::broker {

class Shard;
struct HttpAuthenticationFigures;

// The same for all shards; does not change.
struct HttpAccess {
  std::shared_ptr<const security::PlainUsers> plain_users;  // null: none
  int64_t failure_delay_ms = 100;                           // connection.failed.authentication.delay.ms
  Bytes key;                                                // random, for digests of accepted headers

  // Null with milena.http.authentication=none.
  static Result<std::shared_ptr<const HttpAccess>> from(const config::Settings& settings, Random& random);
};

// Runs computations of a shard one after the other, beside its loop. Lives on its thread.
class OneByOne : public std::enable_shared_from_this<OneByOne> {
 public:
  struct Item {
    std::function<bool()> wanted;  // false: it is left out
    Task work;
    Task then;  // on the executor
  };
  explicit OneByOne(Executor& executor) : executor_(executor) {}
  void run(Item item);

 private:
  void next();

  Executor& executor_;
  std::deque<Item> waiting_;  // one for each open connection, and some of closed ones
  bool busy_ = false;
};

class HttpGate : public std::enable_shared_from_this<HttpGate> {
 public:
  struct Refusal {
    http::HttpResponse response;
    std::string reason;  // not empty: the connection ends, and this is logged
  };
  // Nothing: the request may be served.
  using Then = std::function<void(std::optional<Refusal>)>;

  // `shard` returns null while the node starts or stops.
  HttpGate(std::shared_ptr<const HttpAccess> access, std::shared_ptr<OneByOne> computations, Executor& executor,
           std::function<Shard*()> shard, ConnectionInfo info);

  // Calls `then` once, within the call or later. One request at a time.
  void admit(const http::HttpRequest& request, Then then);
  // The connection is gone.
  void close() { closed_ = true; }

 private:
  // The last accepted header of the connection, and the credential that it was compared with.
  struct Proof {
    Bytes header_digest;
    Bytes user;
    // Not set for a user of the JAAS line, which does not change.
    std::optional<security::ScramMechanism> mechanism;
    Bytes stored_key;
  };
  struct Check;

  bool still_holds(Shard& shard, const Proof& proof) const;
  void start_check(Shard& shard, std::shared_ptr<Check> check);
  void finish_check(const std::shared_ptr<Check>& check);
  std::optional<Refusal> authorize(Shard& shard, const Bytes& user, const http::HttpRequest& request) const;
  void fail(Shard& shard, std::string reason, int64_t since_ms, Then then) const;
  HttpAuthenticationFigures& figures(Shard& shard) const;

  const std::shared_ptr<const HttpAccess> access_;
  const std::shared_ptr<OneByOne> computations_;
  Executor& executor_;
  const std::function<Shard*()> shard_;
  const ConnectionInfo info_;
  std::optional<Proof> proof_;
  bool by_certificate_ = false;  // it was used, and counted
  bool closed_ = false;
};

}  // namespace milena::broker
