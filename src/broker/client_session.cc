#include "broker/client_session.h"

#include <utility>

#include <fmt/core.h>

#include "broker/api/18_api_versions.h"
#include "broker/api_registry.h"
#include "protocol/request_header.h"

namespace milena {

ClientSession::ClientSession(Shard& shard, ConnectionInfo info, Transport& transport)
    : shard_(shard), connection_(std::make_shared<ConnectionState>()) {
  connection_->info = std::move(info);
  connection_->transport = &transport;
}

void ClientSession::refuse(std::string reason) { connection_->transport->close(std::move(reason)); }

void ClientSession::on_request(Frame frame) {
  Reader reader(frame.bytes);
  RequestHeader header;
  header.read(reader);
  if (!reader.ok()) return refuse(fmt::format("a frame of {} bytes holds no request header", frame.bytes.size()));

  const ApiEntry* api = find_handler(header.api_key);
  if (api == nullptr) {
    return refuse(fmt::format("request with api key {} version {}, which this broker does not offer", header.api_key,
                              header.api_version));
  }
  ByteView client_id = header.client_id.value_or(ByteView());
  if (header.api_version < api->min_version || header.api_version > api->max_version) {
    // A newer client asks first with its newest ApiVersions, and learns from an answer of version 0 what there is.
    if (api->key == ApiKey::kApiVersions) {
      return answer_unsupported_api_versions(shard_, connection_, std::move(frame), header.correlation_id);
    }
    return refuse(fmt::format("{} version {} asked, this broker offers {} to {}", api_name(api->key), header.api_version,
                              api->min_version, api->max_version));
  }
  if (!api->start(reader, header.api_version, shard_, connection_, frame, header.correlation_id, client_id)) {
    refuse(fmt::format("the body of a {} request version {} of {} bytes cannot be read", api_name(api->key),
                       header.api_version, frame.bytes.size()));
  }
}

void ClientSession::on_closed(bool) {
  connection_->transport = nullptr;
  if (Task give_up = std::exchange(connection_->when_closed, nullptr)) give_up();
}

}  // namespace milena
