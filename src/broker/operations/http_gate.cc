#include "broker/operations/http_gate.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "broker/clients/call.h"
#include "broker/clients/sasl_settings.h"
#include "broker/clients/scram_directory.h"
#include "broker/shard.h"
#include "config/config_listeners.h"
#include "security/random_bytes.h"

namespace milena::broker {
namespace {

using security::ScramMechanism;

// Probes have no credentials, and these pages tell nothing of clients.
bool is_open_to_all(ByteView path) { return path == "/livez" || path == "/readyz"; }

// Without a password the client is asked for one.
HttpGate::Refusal challenge(std::string reason = {}) {
  http::HttpResponse response = http::HttpResponse::text(401, "a user's name and password are needed");
  response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"Milena\", charset=\"UTF-8\"");
  return {std::move(response), std::move(reason)};
}

// The user's credential, or one that no password fits and that takes as long.
security::ScramCredential credential_or_decoy(const security::ScramDirectory& directory, ScramMechanism mechanism,
                                              ByteView user) {
  security::ScramCredential decoy = security::decoy_credential(directory, mechanism, user);
  decoy.iterations = std::clamp(decoy.iterations, security::kMinScramIterations, security::kMaxScramIterations);
  const auto found = directory.find_user(mechanism, user);
  return found && security::can_be_checked(mechanism, *found) ? *found : decoy;
}

}  // namespace

Result<std::shared_ptr<const HttpAccess>> HttpAccess::from(const config::Settings& settings, Random& random) {
  if (settings.get_string("milena.http.authentication") == "none") return std::shared_ptr<const HttpAccess>();
  auto access = std::make_shared<HttpAccess>();
  auto users = plain_users_of(config::ListenerSettings(settings, config::kHttpListener), random);
  RETURN_IF_ERROR(users);
  access->plain_users = users.take();
  access->failure_delay_ms = settings.get_int("connection.failed.authentication.delay.ms");
  access->key = security::random_bytes(random, 32);
  return std::shared_ptr<const HttpAccess>(std::move(access));
}

void OneByOne::run(Item item) {
  waiting_.push_back(std::move(item));
  if (!busy_) next();
}

void OneByOne::next() {
  busy_ = false;
  while (!waiting_.empty() && !waiting_.front().wanted()) waiting_.pop_front();
  if (waiting_.empty()) return;
  Item item = std::move(waiting_.front());
  waiting_.pop_front();
  busy_ = true;
  executor_.run_computation(std::move(item.work), [self = shared_from_this(), then = std::move(item.then)] {
    self->next();
    then();
  });
}

// A name and password to be checked against SCRAM's credentials.
struct HttpGate::Check {
  struct Candidate {
    ScramMechanism mechanism;
    security::ScramCredential credential;
    bool fits = false;
  };

  http::HttpRequest request;  // without its body
  Then then;
  security::BasicCredentials given;
  Bytes header_digest;
  int64_t since_ms = 0;
  std::vector<Candidate> candidates;
};

HttpGate::HttpGate(std::shared_ptr<const HttpAccess> access, std::shared_ptr<OneByOne> computations,
                   Executor& executor, std::function<Shard*()> shard, ConnectionInfo info)
    : access_(std::move(access)),
      computations_(std::move(computations)),
      executor_(executor),
      shard_(std::move(shard)),
      info_(std::move(info)) {}

void HttpGate::admit(const http::HttpRequest& request, Then then) {
  if (is_open_to_all(request.path)) return then(std::nullopt);
  Shard* shard = shard_();
  if (shard == nullptr) {
    return then(Refusal{http::HttpResponse::text(503, "the broker is starting or stopping"), {}});
  }
  const auto header = request.header("Authorization");
  if (!header) {
    if (info_.tls == nullptr || !info_.tls->principal) return then(challenge());
    if (!std::exchange(by_certificate_, true)) figures(*shard).authenticated++;
    return then(authorize(*shard, *info_.tls->principal, request));
  }
  Bytes digest = sha2_hmac(Sha2::k256, access_->key, *header);
  if (proof_ && security::equal_in_constant_time(digest, proof_->header_digest) && still_holds(*shard, *proof_)) {
    return then(authorize(*shard, proof_->user, request));
  }
  auto given = security::parse_basic_credentials(*header);
  if (!given) {
    return fail(*shard, "the Authorization header is not of Basic authentication", shard->steady_ms(), std::move(then));
  }
  if (access_->plain_users != nullptr && access_->plain_users->knows(given->user, given->password)) {
    proof_ = Proof{std::move(digest), given->user, std::nullopt, {}};
    figures(*shard).authenticated++;
    return then(authorize(*shard, given->user, request));
  }
  auto check = std::make_shared<Check>();
  check->request.method = request.method;
  check->request.path = request.path;
  check->then = std::move(then);
  check->given = std::move(*given);
  check->header_digest = std::move(digest);
  check->since_ms = shard->steady_ms();
  start_check(*shard, std::move(check));
}

// Whether the credential is the one that the password was compared with.
bool HttpGate::still_holds(Shard& shard, const Proof& proof) const {
  if (!proof.mechanism) return true;
  const auto now = make_scram_directory(shard)->find_user(*proof.mechanism, proof.user);
  return now && security::equal_in_constant_time(now->stored_key, proof.stored_key);
}

// Each mechanism that any user has takes its time, whether this user has it or not.
void HttpGate::start_check(Shard& shard, std::shared_ptr<Check> check) {
  const auto directory = make_scram_directory(shard);
  for (const ScramMechanism mechanism : {ScramMechanism::kSha256, ScramMechanism::kSha512}) {
    if (!directory->find_any(mechanism)) continue;
    check->candidates.push_back({mechanism, credential_or_decoy(*directory, mechanism, check->given.user)});
  }
  computations_->run({[self = shared_from_this()] { return !self->closed_; },
                      [check] {
                        for (Check::Candidate& each : check->candidates) {
                          each.fits = security::is_password(each.mechanism, each.credential, check->given.password);
                        }
                      },
                      [self = shared_from_this(), check] { self->finish_check(check); }});
}

void HttpGate::finish_check(const std::shared_ptr<Check>& check) {
  Shard* shard = closed_ ? nullptr : shard_();
  if (shard == nullptr) return check->then(challenge());
  for (Check::Candidate& each : check->candidates) {
    if (!each.fits) continue;
    proof_ = Proof{std::move(check->header_digest), check->given.user, each.mechanism,
                   std::move(each.credential.stored_key)};
    figures(*shard).authenticated++;
    log_debug("HTTP client {}:{} authenticated as User:{}", info_.peer_host, info_.peer_port, proof_->user);
    return check->then(authorize(*shard, proof_->user, check->request));
  }
  fail(*shard, "unknown user or wrong password", check->since_ms, std::move(check->then));
}

std::optional<HttpGate::Refusal> HttpGate::authorize(Shard& shard, const Bytes& user,
                                                     const http::HttpRequest& request) const {
  if (request.path == "/") return std::nullopt;
  const security::Principal principal{.name = user};
  const security::Requester who{principal, info_.peer_host, info_.listener_name};
  if (shard.authorizer().allows(who, security::kDescribeTheCluster, kClusterResource)) return std::nullopt;
  if (shard.audit_log().on()) {
    security::AuditTrail trail;
    trail.note(security::kDescribeTheCluster, kClusterResource, false);
    trail.add_target(request.method + " " + request.path);
    shard.audit_log().write(security::audit_line({shard.now_ms(), who, {}, "HTTP", 0, false}, trail));
  }
  return Refusal{http::HttpResponse::text(403, "the user is not authorized: Describe on the cluster is needed"), {}};
}

HttpAuthenticationFigures& HttpGate::figures(Shard& shard) const {
  return shard.figures().http_listeners[info_.listener_name];
}

// The answer comes a time after the request, and so does not tell how long the check took.
void HttpGate::fail(Shard& shard, std::string reason, int64_t since_ms, Then then) const {
  figures(shard).not_authenticated++;
  note_refusal(shard, ConnectionState{.info = info_}, RefusalKind::kAuthentication, {}, reason);
  executor_.call_at(add_saturating(since_ms, access_->failure_delay_ms),
                    [then = std::move(then), reason = std::move(reason)]() mutable {
                      then(challenge("authentication failed: " + reason));
                    });
}

}  // namespace milena::broker
