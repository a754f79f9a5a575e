// A GET over HTTP to the broker's listener (milena.http.listeners), for commands that use it instead of Kafka's
// protocol. Blocks its caller.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/answer_reader.h"
#include "tools/transport.h"

namespace milena::tools {

// The default address of the broker's HTTP listener.
inline constexpr char kUsualHttpHost[] = "127.0.0.1";
inline constexpr uint16_t kUsualHttpPort = 9644;

// `http` if given; otherwise the host of the first of `servers` (empty: this machine) and the default port.
Result<BrokerAddress> http_address(const std::string& http, const std::string& servers);
// All of them, each once.
Result<std::vector<BrokerAddress>> http_addresses(const std::string& http, const std::string& servers);

// The whole answer. An error says what is missing where nobody listens.
Result<http::HttpAnswer> http_get(const BrokerAddress& address, const std::string& target, int64_t timeout_ms);
// An answer that goes on: `take` gets the body in parts, as they come, and returns false to end it. An answer
// other than 200 is an error, with its text.
Status http_follow(const BrokerAddress& address, const std::string& target,
                   const std::function<bool(ByteView part)>& take);
// Encodes text for a query.
std::string percent_encoded(ByteView text);

}  // namespace milena::tools
