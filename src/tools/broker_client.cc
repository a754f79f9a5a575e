#include "tools/broker_client.h"

#include <algorithm>

#include "base/random.h"
#include "protocol/api_key.h"
#include "protocol/messages/api_versions.h"
#include "security/sasl_login.h"

namespace milena::tools {
namespace {

// No response to these commands is larger.
constexpr int32_t kMaxAnswer_bytes = 256 << 20;
constexpr int16_t kMaxApiKey = 1024;
// The part of a session's lifetime after which the client authenticates again.
constexpr int64_t kSessionUsed_percent = 85;

}  // namespace

Result<std::unique_ptr<BrokerClient>> BrokerClient::connect(const BrokerAddress& address, int64_t timeout_ms,
                                                            const ClientSecurity& security, std::string client_id) {
  Result<std::unique_ptr<BrokerTransport>> transport = security.make_transport(address, deadline_in(timeout_ms));
  RETURN_IF_ERROR(transport);
  std::unique_ptr<BrokerClient> client(
      new BrokerClient(address, timeout_ms, transport.take(), security.login, std::move(client_id)));
  if (client->login_) RETURN_IF_ERROR(client->log_in());
  return client;
}

Status BrokerClient::log_in() {
  security::SaslLogin login(*login_, system_random(), client_id_);
  const Deadline deadline = deadline_in(timeout_ms_);
  std::optional<Payload> request = login.first_request();
  while (request) {
    Result<Bytes> bytes = request->flatten();
    RETURN_IF_ERROR(bytes);
    RETURN_IF_ERROR(transport_->send(*bytes, deadline));
    RETURN_IF_ERROR(receive_answer(deadline));
    Result<std::optional<Payload>> next = login.step(answer_);
    if (!next.ok()) return make_error(next.error().kind, "{}: {}", address_.text(), next.error().message);
    request = next.take();
  }
  log_in_again_.reset();
  if (login.session_ms() > 0) log_in_again_ = deadline_in(login.session_ms() / 100 * kSessionUsed_percent);
  return ok_status();
}

Error BrokerClient::unreadable(ApiKey key, size_t bytes) const {
  return make_error(ErrorKind::kCorrupt, "{}: the response to {} of {} bytes cannot be read", address_.text(),
                    api_name(key), bytes);
}

Writer BrokerClient::start_request(ApiKey key, int16_t version) {
  Writer writer;
  writer.write_int32(0);
  RequestHeader header;
  header.api_key = static_cast<int16_t>(key);
  header.api_version = version;
  header.correlation_id = ++correlation_id_;
  header.client_id = ByteView(client_id_);
  header.write(writer);
  return writer;
}

Status BrokerClient::send(Writer request) {
  if (log_in_again_ && std::chrono::steady_clock::now() > *log_in_again_) RETURN_IF_ERROR(log_in());
  request.overwrite_int32(0, static_cast<int32_t>(request.size() - 4));
  Result<Bytes> bytes = request.take().flatten();
  RETURN_IF_ERROR(bytes);
  return transport_->send(*bytes, deadline_in(timeout_ms_));
}

Status BrokerClient::exchange(Writer request, int64_t more_ms) {
  RETURN_IF_ERROR(send(std::move(request)));
  return receive_answer(deadline_in(timeout_ms_ + more_ms));
}

Status BrokerClient::receive_answer(Deadline deadline) {
  char prefix[4];
  RETURN_IF_ERROR(transport_->receive(prefix, sizeof prefix, deadline));
  int32_t size = load_big_endian<int32_t>(prefix);
  if (size < 4 || size > kMaxAnswer_bytes) {
    return make_error(ErrorKind::kCorrupt, "{} announces a response of {} bytes; expected a broker of Kafka's protocol",
                      address_.text(), size);
  }
  answer_.resize(static_cast<size_t>(size));
  return transport_->receive(answer_.data(), answer_.size(), deadline);
}

Status BrokerClient::learn_versions() {
  Result<ApiVersionsResponse> answer = ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  RETURN_IF_ERROR(answer);
  versions_.assign(1, {0, -1});
  for (const auto& api : answer->api_keys) {
    if (api.api_key < 0 || api.api_key >= kMaxApiKey) continue;
    auto key = static_cast<size_t>(api.api_key);
    if (key >= versions_.size()) versions_.resize(key + 1, {0, -1});
    versions_[key] = {api.min_version, api.max_version};
  }
  return ok_status();
}

Result<int16_t> BrokerClient::common_version(ApiKey key, int16_t oldest, int16_t newest) {
  if (versions_.empty()) RETURN_IF_ERROR(learn_versions());
  auto index = static_cast<size_t>(key);
  Versions theirs = index < versions_.size() ? versions_[index] : Versions{0, -1};
  int16_t version = std::min(newest, theirs.newest);
  if (version < std::max(oldest, theirs.oldest)) {
    return make_error(ErrorKind::kUnsupported, "{} supports no version of {} that this program knows",
                      address_.text(), api_name(key));
  }
  return version;
}

}  // namespace milena::tools
