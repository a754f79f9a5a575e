#include "tools/broker_client.h"

#include <algorithm>

#include "protocol/api_key.h"
#include "protocol/messages/api_versions.h"

namespace milena {
namespace {

// No answer that these commands ask for is larger.
constexpr int32_t kMostAnswerBytes = 256 << 20;
constexpr int16_t kMostApiKey = 1024;

}  // namespace

Result<std::unique_ptr<BrokerClient>> BrokerClient::connect(const BrokerAddress& address, int64_t timeout_ms,
                                                            const BrokerTransportMaker& make_transport,
                                                            std::string client_id) {
  Result<std::unique_ptr<BrokerTransport>> transport = make_transport(address, deadline_in(timeout_ms));
  if (!transport.ok()) return transport.error();
  return std::unique_ptr<BrokerClient>(new BrokerClient(address, timeout_ms, transport.take(), std::move(client_id)));
}

Error BrokerClient::unreadable(ApiKey key, size_t bytes) const {
  return make_error(ErrorKind::kCorrupt, "{} answers {} with {} bytes that cannot be read", address_.text(),
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
  request.overwrite_int32(0, static_cast<int32_t>(request.size() - 4));
  Result<Bytes> bytes = request.take().flatten();
  if (!bytes.ok()) return bytes.error();
  return transport_->send(*bytes, deadline_in(timeout_ms_));
}

Status BrokerClient::exchange(Writer request, int64_t more_ms) {
  RETURN_IF_ERROR(send(std::move(request)));
  Deadline deadline = deadline_in(timeout_ms_ + more_ms);
  char prefix[4];
  RETURN_IF_ERROR(transport_->receive(prefix, sizeof prefix, deadline));
  int32_t size = load_big_endian<int32_t>(prefix);
  if (size < 4 || size > kMostAnswerBytes) {
    return make_error(ErrorKind::kCorrupt, "{} answers with {} bytes, as no broker of Kafka's protocol does",
                      address_.text(), size);
  }
  answer_.resize(static_cast<size_t>(size));
  return transport_->receive(answer_.data(), answer_.size(), deadline);
}

Status BrokerClient::learn_versions() {
  Result<ApiVersionsResponse> answer = ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  if (!answer.ok()) return answer.error();
  versions_.assign(1, {0, -1});
  for (const auto& api : answer->api_keys) {
    if (api.api_key < 0 || api.api_key >= kMostApiKey) continue;
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
    return make_error(ErrorKind::kUnsupported, "{} does not take a version of {} that this program knows",
                      address_.text(), api_name(key));
  }
  return version;
}

}  // namespace milena
