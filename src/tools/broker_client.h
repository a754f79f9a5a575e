// BrokerClient: one connection to a broker for the small commands of the binary: sends a request, and waits for the
// response. Blocks its caller; not for the broker itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "protocol/reader.h"
#include "protocol/request_header.h"
#include "protocol/writer.h"
#include "tools/client_security.h"
#include "tools/transport.h"

namespace milena::tools {

class BrokerClient {
 public:
  // Timeout of connecting and of each response. Authenticates if it has credentials, and again before the session ends.
  static Result<std::unique_ptr<BrokerClient>> connect(const BrokerAddress& address, int64_t timeout_ms,
                                                       const ClientSecurity& security = {},
                                                       std::string client_id = "milena");

  // The response to one request; it owns its data. `more_ms` is how long the broker may wait before it responds.
  template <class Response, class Request>
  Result<Response> ask(const Request& request, int16_t version, int64_t more_ms = 0) {
    Writer writer = start_request(Request::kApiKey, version);
    request.write(writer, version);
    Status got = exchange(std::move(writer), more_ms);
    RETURN_IF_ERROR(got);
    Reader reader(answer_);
    ResponseHeader header;
    header.read(reader, Request::kApiKey, version);
    Response response;
    response.read(reader, version);
    if (!reader.ok()) return unreadable(Request::kApiKey, answer_.size());
    return response;
  }
  // The same in the newest common version.
  template <class Response, class Request>
  Result<Response> ask(const Request& request) {
    Result<int16_t> version = common_version(Request::kApiKey, Request::kMinVersion, Request::kMaxVersion);
    RETURN_IF_ERROR(version);
    return ask<Response>(request, *version);
  }

  // The broker does not answer a Produce with acks=0.
  template <class Request>
  Status tell(const Request& request, int16_t version) {
    Writer writer = start_request(Request::kApiKey, version);
    request.write(writer, version);
    return send(std::move(writer));
  }

  // kUnsupported if there is none.
  Result<int16_t> common_version(ApiKey key, int16_t oldest, int16_t newest);
  const BrokerAddress& address() const { return address_; }
  std::optional<int64_t> certificates_end_s() const { return transport_->certificates_end_s(); }

 private:
  struct Versions {
    int16_t oldest;
    int16_t newest;
  };

  BrokerClient(BrokerAddress address, int64_t timeout_ms, std::unique_ptr<BrokerTransport> transport,
               std::optional<security::SaslCredentials> login, std::string client_id)
      : address_(std::move(address)),
        timeout_ms_(timeout_ms),
        transport_(std::move(transport)),
        login_(std::move(login)),
        client_id_(std::move(client_id)) {}

  Writer start_request(ApiKey key, int16_t version);
  Status send(Writer request);
  // Stores the response without its size in answer_.
  Status exchange(Writer request, int64_t more_ms);
  Status receive_answer(Deadline deadline);
  Status log_in();
  Status learn_versions();
  Error unreadable(ApiKey key, size_t bytes) const;

  const BrokerAddress address_;
  const int64_t timeout_ms_;
  const std::unique_ptr<BrokerTransport> transport_;
  const std::optional<security::SaslCredentials> login_;
  std::optional<Deadline> log_in_again_;
  const std::string client_id_;
  int32_t correlation_id_ = 0;
  Bytes answer_;
  std::vector<Versions> versions_;  // by key; empty until they are needed
};

}  // namespace milena::tools
