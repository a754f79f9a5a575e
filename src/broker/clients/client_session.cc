#include "broker/clients/client_session.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/out_of_memory.h"
#include "broker/api/18_api_versions.h"
#include "broker/api/63_broker_heartbeat.h"
#include "broker/api/group_call.h"
#include "broker/api_registry.h"
#include "broker/clients/endpoints.h"
#include "broker/clients/sasl_gate.h"
#include "broker/clients/sasl_services.h"
#include "broker/shard.h"
#include "protocol/request_header.h"
#include "security/security_protocol.h"

namespace milena::broker {
namespace {

// A request with a decoded header. It may go to another shard before it is started.
struct Arrived {
  Shard& shard;
  std::shared_ptr<ConnectionState> connection;
  const ApiEntry& api;
  RequestHeader header;
  Reader body;
  Frame frame;
  ByteView client_id() const { return header.client_id.value_or(ByteView()); }
};

void close_without_answer(const Arrived& request, bool fits) {
  Transport* transport = request.connection->transport;
  if (transport == nullptr) return;
  const ByteView why = !fits                                   ? "needs more memory than is available"
                       : request.body.array_room_bytes() < 0 ? "has more resources than one response can contain"
                                                               : "cannot be read";
  transport->close(fmt::format("the body of a {} request version {} of {} bytes {}", api_name(request.api.key),
                               request.header.api_version, request.frame.bytes.size(), why));
}

void start(Arrived& request) {
  ConnectionState& connection = *request.connection;
  if (connection.transport == nullptr) return;
  bool billed = request.shard.quotas().has(QuotaKind::kRequest);
  const Clock& clock = request.shard.executor().clock();
  int64_t before_ns = billed ? clock.thread_cpu_ns() : 0;
  bool understood = false;
  const bool fits = fits_into_memory([&] {
    understood = request.api.start(request.api, request.body, request.header.api_version, request.shard,
                                   request.connection, request.frame, request.header.correlation_id,
                                   request.client_id());
  });
  if (!fits || !understood) close_without_answer(request, fits);
  if (billed) connection.unbilled_ns += clock.thread_cpu_ns() - before_ns;
}

// Charges the time of the previous requests to the client with this one, since this one's time is not known yet. In
// percent of one processor, as in Kafka.
void charge_time_then_start(const std::shared_ptr<Arrived>& request) {
  ConnectionState& connection = *request->connection;
  double percent = static_cast<double>(std::exchange(connection.unbilled_ns, 0)) * 100 / 1e9;
  request->shard.quotas().charge(QuotaKind::kRequest, connection.principal.name, request->client_id(), percent, false,
                                 [request](int64_t throttle_ms) {
                                   int64_t& all = request->connection->throttle_ms;
                                   all = std::max(all, throttle_ms);
                                   start(*request);
                                 });
}

void charge_then_start(const std::shared_ptr<Arrived>& request) {
  request->connection->throttle_ms = 0;
  if (request->api.key != ApiKey::kProduce) return charge_time_then_start(request);
  request->shard.quotas().charge(QuotaKind::kProduce, request->connection->principal.name, request->client_id(),
                                 static_cast<double>(request->frame.bytes.size()), false,
                                 [request](int64_t throttle_ms) {
                                   request->connection->throttle_ms = throttle_ms;
                                   charge_time_then_start(request);
                                 });
}

}  // namespace

ClientSession::ClientSession(Shard& shard, ConnectionInfo info, Transport& transport)
    : shard_(shard), strict_kafka_(shard.strict_kafka()), connection_(std::make_shared<ConnectionState>()) {
  connection_->info = std::move(info);
  // On a listener with SASL the exchange authenticates the client, even if it has shown a certificate.
  const security::TlsPeer* peer = connection_->info.tls.get();
  const bool shown = peer != nullptr && peer->principal;
  if (shown && connection_->info.security_protocol == security::SecurityProtocol::kSsl) {
    connection_->principal.name = *peer->principal;
  }
  const auto& of_plaintext = shard.node().plaintext_principals;
  if (const auto found = of_plaintext.find(connection_->info.listener_name); found != of_plaintext.end()) {
    connection_->principal = found->second;
  }
  if (connection_->info.in_process) connection_->principal = shard.node().own_principal;
  connection_->transport = &transport;
  const auto& controller = shard.node().controller_endpoints;
  connection_->to_controller = std::any_of(
      controller.begin(), controller.end(),
      [this](const config::ListenerEndpoint& one) { return one.listener_name == connection_->info.listener_name; });
  ListenerFigures& listener = shard.figures().listeners[connection_->info.listener_name];
  listener.open++;
  listener.opened++;
  // Its handshake is done.
  if (connection_->info.security_protocol == security::SecurityProtocol::kSsl) listener.authenticated++;
  ask_for_sasl();
  log_debug("Client {}:{} connected to {}", connection_->info.peer_host, connection_->info.peer_port,
            connection_->info.listener_name);
}

ClientSession::~ClientSession() { shard_.figures().listeners[connection_->info.listener_name].open--; }

// A listener that was added at run time has no SASL settings: its clients cannot authenticate.
void ClientSession::ask_for_sasl() {
  if (!security::uses_sasl(connection_->info.security_protocol)) return;
  const SaslServices* services = shard_.node().sasl;
  const SaslListenerSettings* listener =
      services == nullptr ? nullptr : services->find(connection_->info.listener_name);
  barred_ = listener == nullptr;
  if (listener != nullptr) gate_ = std::make_unique<SaslGate>(shard_, connection_, *services, *listener);
}

void ClientSession::refuse(std::string reason) {
  shard_.figures().refused_requests++;
  connection_->transport->close(std::move(reason));
}

void ClientSession::refuse_version(const RequestHeader& header, std::string reason) {
  const ByteView client_id = header.client_id.value_or(ByteView());
  note_refusal(shard_, *connection_, RefusalKind::kVersion, client_id, reason);
  if (shard_.taps().any()) {
    const Bytes peer = fmt::format("{}:{}", connection_->info.peer_host, connection_->info.peer_port);
    shard_.taps().note({.time_ms = shard_.now_ms(), .client_id = client_id, .peer = peer, .api = "a request",
                                .version = header.api_version, .refusal = reason});
  }
  refuse(std::move(reason));
}

void ClientSession::on_unreadable(const std::string& reason) {
  note_refusal(shard_, *connection_, RefusalKind::kNotKafka, {}, reason);
}

void ClientSession::on_request(Frame frame) {
  CHECK(shard_.is_current());
  if (barred_) return refuse("SASL is not supported on a listener that was added while the broker runs");
  if (gate_ != nullptr && gate_->take(frame)) return;
  Reader reader(frame.bytes);
  RequestHeader header;
  header.read(reader);
  if (!reader.ok()) {
    return refuse(fmt::format("a frame of {} bytes is too short for a request header", frame.bytes.size()));
  }

  const ApiEntry* api = find_handler(header.api_key, connection_->to_controller);
  if (api == nullptr) {
    return refuse_version(header, fmt::format("request with api key {} version {}, which is not supported",
                                              header.api_key, header.api_version));
  }
  ApiFigures* figures_of_api = nullptr;  // made at the first request of an API
  if (!fits_into_memory([&] { figures_of_api = &shard_.figures().api(api->key); })) {
    return refuse(fmt::format("not enough memory for a {} request", api_name(api->key)));
  }
  ApiFigures& figures = *figures_of_api;
  untold_.push_back(&figures);
  const int16_t oldest = oldest_version(*api, strict_kafka_);
  if (header.api_version < oldest || header.api_version > api->max_version) {
    // A newer client begins with its newest ApiVersions, and learns the supported versions from an answer of version 0.
    if (api->key == ApiKey::kApiVersions) {
      return answer_unsupported_api_versions(shard_, connection_, std::move(frame), header.correlation_id);
    }
    return refuse_version(header, fmt::format("{} version {} is not supported, expected {} to {}", api_name(api->key),
                                              header.api_version, oldest, api->max_version));
  }
  if (!works_ && api->key != ApiKey::kApiVersions) note_work(api->key, header);
  figures.count_request(header.api_version, frame.bytes.size());
  Arrived request{shard_, connection_, *api, header, reader, std::move(frame)};
  if (!shard_.quotas().any()) return start(request);
  charge_then_start(std::make_shared<Arrived>(std::move(request)));
}

// A client that only asks for addresses may have got one that it cannot reach. Milena's own commands ask for no more.
void ClientSession::note_work(ApiKey key, const RequestHeader& header) {
  if (!introduced_) introduce(header);
  if (key == ApiKey::kGetTelemetrySubscriptions) return;
  const ConnectionInfo& info = connection_->info;
  const ByteView client_id = header.client_id.value_or(ByteView());
  works_ = key != ApiKey::kMetadata || connection_->to_controller || info.in_process || client_id == "milena";
  ClientBook& book = shard_.figures().clients;
  // If memory is short, it is not noted.
  (void)fits_into_memory([&] {
    if (works_) return book.note_served(info.peer_host, client_id);
    const config::ListenerEndpoint told = advertised_endpoint(shard_.node(), info);
    book.note_told(info.peer_host, client_id, fmt::format("{}:{}", told.host, told.port),
                   fmt::format("{}:{}", info.local_host, info.local_port), shard_.now_ms());
  });
}

// At its first request after ApiVersions a client has sent everything about itself.
void ClientSession::introduce(const RequestHeader& header) {
  introduced_ = true;
  const ConnectionState& connection = *connection_;
  log_debug("Client {}:{} is \"{}\", with {} {}", connection.info.peer_host, connection.info.peer_port,
            header.client_id.value_or(ByteView()),
            connection.client_software_name.empty() ? "unnamed software" : connection.client_software_name,
            connection.client_software_version);
}

void ClientSession::on_sent(std::span<const RequestTimes> requests, int64_t sent_ns) {
  const size_t count = std::min(requests.size(), untold_.size());
  for (size_t i = 0; i < count; i++) untold_[i]->record(requests[i], sent_ns);
  untold_.erase(untold_.begin(), untold_.begin() + static_cast<ptrdiff_t>(count));
}

void ClientSession::on_closed(bool by_peer) {
  CHECK(shard_.is_current());
  connection_->transport = nullptr;
  // If this side closed it, the client is still alive.
  if (by_peer) tell_groups_of_closed_connection(shard_, *connection_);
  if (by_peer) tell_controller_of_closed_connection(shard_, *connection_);
  if (Task give_up = std::exchange(connection_->when_closed, nullptr)) give_up();
  if (auto instance = connection_->telemetry_instance) {
    shard_.router().at_hashed(
        shard_, std::hash<Uuid>()(*instance),
        [id = *instance, from = connection_->info.id](Shard& home) { home.telemetry().forget(id, from); });
  }
}

}  // namespace milena::broker
