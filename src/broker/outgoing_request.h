// OutgoingRequest: a request of any API that a part of this node sends to another broker or to the controller. The
// message is passed by type, together with the functions that a connection needs to write it and to read the answer.
// The sender does not see whether it leaves the node.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/check.h"
#include "protocol/api_key.h"
#include "protocol/error_code.h"
#include "protocol/reader.h"
#include "protocol/writer.h"

namespace milena::broker {

struct OutgoingRequest {
  ApiKey key{};
  int16_t version = 0;
  // Kept alive until the reply; its views may point into memory that the pointer keeps.
  std::shared_ptr<const void> message;
  void (*write)(const void* message, Writer& writer, int16_t version) = nullptr;
  // Returns the answer's body; null if it is malformed.
  std::shared_ptr<void> (*read)(Reader& reader, int16_t version) = nullptr;

  template <class Request>
  std::shared_ptr<const Request> as() const {
    CHECK(key == Request::kApiKey, "{} taken for {}", api_name(key), api_name(Request::kApiKey));
    return std::static_pointer_cast<const Request>(message);
  }
};

// Gets kNone and the answer, of the request's response type, or an error (kNetworkException: try again).
using OutgoingReply = std::function<void(ErrorCode, std::shared_ptr<void> response)>;

template <class Response, class Request>
OutgoingRequest outgoing_request(std::shared_ptr<const Request> message, int16_t version) {
  static_assert(Response::kApiKey == Request::kApiKey);
  return {Request::kApiKey, version, std::move(message),
          [](const void* bare, Writer& writer, int16_t in) { static_cast<const Request*>(bare)->write(writer, in); },
          [](Reader& reader, int16_t in) -> std::shared_ptr<void> {
            auto response = std::make_shared<Response>();
            response->read(reader, in);
            return reader.ok() ? response : nullptr;
          }};
}

template <class Response>
OutgoingReply outgoing_reply(std::function<void(ErrorCode, Response)> reply) {
  return [reply = std::move(reply)](ErrorCode error, std::shared_ptr<void> response) {
    CHECK(error != ErrorCode::kNone || response != nullptr, "an answer without a body");
    if (error != ErrorCode::kNone) return reply(error, {});
    reply(error, std::move(*std::static_pointer_cast<Response>(response)));
  };
}

}  // namespace milena::broker
