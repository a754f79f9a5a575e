#include "broker/cluster/remote_controller.h"

#include <algorithm>
#include <utility>

#include "base/ip_address.h"
#include "base/log.h"
#include "broker/shard.h"
#include "metadata/controller.h"
#include "metadata/internal_topics.h"
#include "metadata/replica_placement.h"
#include "protocol/messages/allocate_producer_ids.h"
#include "protocol/messages/alter_partition.h"
#include "protocol/messages/assign_replicas_to_dirs.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/envelope.h"
#include "protocol/messages/principal/default_principal_data.h"
#include "protocol/request_header.h"

namespace milena::broker {
namespace {

constexpr int64_t kForwardAgain_ms = 50;
// How long an answer waits until its topics can be used here.
constexpr int64_t kTopicsAppear_ms = 2000;
constexpr int64_t kTopicsLook_ms = 2;

// A broker's own requests, which are not enveloped.
bool is_of_broker(ApiKey key) {
  return key == ApiKey::kAlterPartition || key == ApiKey::kAllocateProducerIds || key == ApiKey::kAssignReplicasToDirs;
}

// A request in its envelope, with the memory of the envelope's views.
struct Enveloped {
  Bytes request;
  Bytes principal;
  Bytes address;
  EnvelopeRequest envelope;
};

// The error of a whole answer to the broker's own request. CreateTopics has none.
ErrorCode error_of_answer(ApiKey key, const std::shared_ptr<void>& response) {
  switch (key) {
    case ApiKey::kAlterPartition: return std::static_pointer_cast<AlterPartitionResponse>(response)->error_code;
    case ApiKey::kAllocateProducerIds:
      return std::static_pointer_cast<AllocateProducerIdsResponse>(response)->error_code;
    case ApiKey::kAssignReplicasToDirs:
      return std::static_pointer_cast<AssignReplicasToDirsResponse>(response)->error_code;
    case ApiKey::kCreateTopics: {
      const auto& topics = std::static_pointer_cast<CreateTopicsResponse>(response)->topics;
      return topics.empty() ? ErrorCode::kNone : topics.front().error_code;
    }
    default: return ErrorCode::kNone;
  }
}

Bytes encode_request(const OutgoingRequest& request, ByteView client_id) {
  Writer writer;
  RequestHeader header;
  header.api_key = static_cast<int16_t>(request.key);
  header.api_version = request.version;
  header.correlation_id = 0;
  header.client_id = client_id;
  header.write(writer);
  request.write(request.message.get(), writer, request.version);
  return writer.take().flatten().take();
}

Bytes encode_principal(const security::Principal& principal) {
  Writer writer;
  writer.write_int16(0);
  DefaultPrincipalData data;
  data.type = principal.type;
  data.name = principal.name;
  data.token_authenticated = principal.by_token;
  data.write(writer, 0);
  return writer.take().flatten().take();
}

// A request of this node itself has no client address.
Bytes encode_address(const Bytes& host) {
  const auto address = IpAddress::parse(host);
  if (!address) return Bytes(4, '\0');
  return Bytes(reinterpret_cast<const char*>(address->bytes.data()), address->size);
}

}  // namespace

struct RemoteController::Forward {
  Shard& from;
  OutgoingRequest request;
  ControllerRequestContext context;
  OutgoingReply reply;
  int64_t deadline_ms;
};

RemoteController::RemoteController(Shard& home, std::unique_ptr<ActiveController> controller,
                                   std::function<int64_t()> broker_epoch)
    : home_(home), controller_(std::move(controller)), broker_epoch_(std::move(broker_epoch)) {}

RemoteController::~RemoteController() = default;

void RemoteController::send_any(Shard& from, OutgoingRequest request, ControllerRequestContext context,
                                OutgoingReply reply) {
  const int64_t latest_ms = from.steady_ms() + from.settings().get_int("request.timeout.ms");
  const int64_t deadline_ms = std::min(context.deadline_ms, latest_ms);
  auto what = std::make_shared<Forward>(
      Forward{from, std::move(request), std::move(context), std::move(reply), deadline_ms});
  from.router().run_on(from, home_, [this, what] {
    begin(what);
  });
}

void RemoteController::answer(const std::shared_ptr<Forward>& what, ErrorCode error, std::shared_ptr<void> response) {
  home_.router().run_on(home_, what->from,
                        [what, error, response = std::move(response)] {
                          continue_or_drop([&] { what->reply(error, response); });
                        });
}

void RemoteController::retry(const std::shared_ptr<Forward>& what) {
  const int64_t again_ms = home_.steady_ms() + kForwardAgain_ms;
  if (again_ms >= what->deadline_ms || home_.closed()) return answer(what, ErrorCode::kRequestTimedOut, nullptr);
  home_.executor().call_at(again_ms, [this, what] { begin(what); });
}

void RemoteController::begin(const std::shared_ptr<Forward>& what) {
  if (what->context.of_broker || is_of_broker(what->request.key)) return send_as_broker(what);
  forward(what);
}

void RemoteController::send_as_broker(const std::shared_ptr<Forward>& what) {
  controller_->send(what->request, what->deadline_ms, [this, what](ErrorCode error, std::shared_ptr<void> response) {
    const ApiKey key = what->request.key;
    if (error == ErrorCode::kNone && error_of_answer(key, response) == ErrorCode::kNotController) {
      controller_->try_another();
      error = ErrorCode::kNotController;
    }
    // For other requests whoever asks for the broker tries again.
    const bool elsewhere = error == ErrorCode::kNotController || error == ErrorCode::kNetworkException;
    if (key == ApiKey::kCreateTopics && elsewhere) return retry(what);
    if (error != ErrorCode::kNone) return answer(what, error, std::move(response));
    answer_when_usable(what, std::move(response));
  });
}

void RemoteController::forward(const std::shared_ptr<Forward>& what) {
  auto message = std::make_shared<Enveloped>();
  message->request = encode_request(what->request, what->context.client_id);
  message->principal = encode_principal(what->context.principal);
  message->address = encode_address(what->context.client_host);
  message->envelope.request_data = message->request;
  message->envelope.request_principal = message->principal;
  message->envelope.client_host_address = message->address;
  std::shared_ptr<const EnvelopeRequest> envelope(message, &message->envelope);
  controller_->send(
      outgoing_request<EnvelopeResponse>(std::move(envelope), EnvelopeRequest::kMaxVersion), what->deadline_ms,
      outgoing_reply<EnvelopeResponse>([this, what](ErrorCode error, const EnvelopeResponse& response) {
        if (error == ErrorCode::kNone) error = response.error_code;
        if (error == ErrorCode::kNotController) controller_->try_another();
        if (error == ErrorCode::kNotController || error == ErrorCode::kNetworkException) return retry(what);
        if (error != ErrorCode::kNone || !response.response_data) return answer(what, error, nullptr);
        Reader reader(*response.response_data);
        ResponseHeader header;
        header.read(reader, what->request.key, what->request.version);
        std::shared_ptr<void> inner = what->request.read(reader, what->request.version);
        if (inner == nullptr) return answer(what, ErrorCode::kUnknownServerError, nullptr);
        answer_when_usable(what, std::move(inner));
      }));
}

// A client that created a topic may use it at once.
void RemoteController::answer_when_usable(const std::shared_ptr<Forward>& what, std::shared_ptr<void> response) {
  if (what->request.key != ApiKey::kCreateTopics) return answer(what, ErrorCode::kNone, std::move(response));
  std::vector<Bytes> made;
  for (const auto& topic : std::static_pointer_cast<CreateTopicsResponse>(response)->topics) {
    if (topic.error_code == ErrorCode::kNone) made.push_back(topic.name);
  }
  if (what->request.as<CreateTopicsRequest>()->validate_only) made.clear();
  wait_for_topics(std::move(made), home_.steady_ms() + kTopicsAppear_ms,
                  [this, what, response] { answer(what, ErrorCode::kNone, response); });
}

// The metadata comes on another connection.
void RemoteController::wait_for_topics(std::vector<Bytes> names, int64_t deadline_ms, Task done) {
  std::erase_if(names, [this](const Bytes& name) { return home_.image().find_topic(name) != nullptr; });
  if (names.empty() || home_.steady_ms() >= deadline_ms || home_.closed()) {
    // Runs after the messages on their way to the other shards.
    return home_.router().at_all(home_, [](Shard&) {}, std::move(done));
  }
  home_.executor().call_after(kTopicsLook_ms,
                              [this, names = std::move(names), deadline_ms, done = std::move(done)]() mutable {
                                wait_for_topics(std::move(names), deadline_ms, std::move(done));
                              });
}

// --- topics on first use

// The setting of this broker; -1 if it is not set: the controller's setting is used.
static int32_t own_default(const config::Settings& settings, ByteView name) {
  return settings.is_set(name) ? settings.get_int(name) : -1;
}

void RemoteController::create_topics_for_use(Shard& from, std::vector<Bytes> names,
                                             std::optional<ControllerRequestContext> client, Task done) {
  struct Message {
    std::vector<Bytes> names;
    std::vector<metadata::InternalTopic> shapes;
    CreateTopicsRequest request;
  };
  auto message = std::make_shared<Message>();
  message->names = std::move(names);
  message->shapes.reserve(message->names.size());
  const metadata::InternalTopicSettings internal = metadata::with_replicas(
      metadata::ControllerSettings::from(from.settings()).internal_topics, from.image().brokers().size());
  message->request.timeout_ms = from.settings().get_int("request.timeout.ms");
  for (const Bytes& name : message->names) {
    auto& topic = message->request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = own_default(from.settings(), "num.partitions");
    topic.replication_factor = static_cast<int16_t>(own_default(from.settings(), "default.replication.factor"));
    auto shape = metadata::internal_topic(name, internal);
    if (!shape) continue;
    message->shapes.push_back(std::move(*shape));
    topic.num_partitions = message->shapes.back().num_partitions;
    topic.replication_factor = message->shapes.back().replication_factor;
    for (const auto& [key, value] : message->shapes.back().configs) {
      auto& config = topic.configs.emplace_back();
      config.name = key;
      config.value = value;
    }
  }
  std::shared_ptr<const CreateTopicsRequest> request(message, &message->request);
  ControllerRequestContext context;
  if (client) {
    context = std::move(*client);
  } else {
    context.of_broker = true;
  }
  send<CreateTopicsResponse>(from, std::move(request), CreateTopicsRequest::kMaxVersion, std::move(context),
                             [&from, done = std::move(done)](ErrorCode error, const CreateTopicsResponse& response) {
                               if (error != ErrorCode::kNone) log_warn("no topics created: {}", error_name(error));
                               for (const auto& topic : response.topics) {
                                 const bool good = topic.error_code == ErrorCode::kNone ||
                                                   topic.error_code == ErrorCode::kTopicAlreadyExists;
                                 if (good || !from.first_time("topic " + topic.name)) continue;
                                 log_warn("topic {} could not be created on first use: {} {}", topic.name,
                                          error_name(topic.error_code), topic.error_message.value_or(""));
                               }
                               done();
                             });
}

// --- producer ids, in blocks

void RemoteController::next_producer_id(Shard& from, std::function<void(Result<int64_t>)> done) {
  from.router().run_on(from, home_, [this, &from, done = std::move(done)]() mutable {
    want_producer_id_.push_back({&from, std::move(done)});
    hand_out_producer_ids();
  });
}

void RemoteController::hand_out_producer_ids() {
  while (!want_producer_id_.empty() && next_producer_id_ < producer_ids_end_) {
    WantsProducerId first = std::move(want_producer_id_.front());
    want_producer_id_.erase(want_producer_id_.begin());
    home_.router().run_on(home_, *first.from, [done = std::move(first.done), id = next_producer_id_++] { done(id); });
  }
  if (!want_producer_id_.empty()) allocate_producer_ids();
}

void RemoteController::allocate_producer_ids() {
  if (std::exchange(allocating_, true)) return;
  auto request = std::make_shared<AllocateProducerIdsRequest>();
  request->broker_id = home_.node().node_id;
  request->broker_epoch = broker_epoch_();
  std::shared_ptr<const AllocateProducerIdsRequest> message(request);
  controller_->send(outgoing_request<AllocateProducerIdsResponse>(message, AllocateProducerIdsRequest::kMaxVersion),
                    home_.steady_ms() + home_.settings().get_int("request.timeout.ms"),
                    outgoing_reply<AllocateProducerIdsResponse>(
                        [this](ErrorCode error, const AllocateProducerIdsResponse& response) {
                          allocating_ = false;
                          if (error == ErrorCode::kNone) error = response.error_code;
                          if (error == ErrorCode::kNotController) controller_->try_another();
                          if (error != ErrorCode::kNone) return fail_producer_ids(error);
                          next_producer_id_ = response.producer_id_start;
                          producer_ids_end_ = response.producer_id_start + response.producer_id_len;
                          hand_out_producer_ids();
                        }));
}

void RemoteController::fail_producer_ids(ErrorCode error) {
  log_warn("no producer ids from the controller: {}", error_name(error));
  for (WantsProducerId& one : std::exchange(want_producer_id_, {})) {
    home_.router().run_on(home_, *one.from, [done = std::move(one.done)] {
      done(make_error(ErrorKind::kUnsupported, "no producer ids from the controller"));
    });
  }
}

}  // namespace milena::broker
