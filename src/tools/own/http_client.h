// A GET over HTTP to the broker's listener (milena.http.listeners), for commands that use it instead of Kafka's
// protocol. Blocks its caller.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "http/answer_reader.h"
#include "tools/transport.h"

namespace milena::tools {

// The default address of the broker's HTTP listener.
inline constexpr char kUsualHttpHost[] = "127.0.0.1";
inline constexpr uint16_t kUsualHttpPort = 9644;
inline constexpr char kHttpConfigHelp[] =
    "Properties of Kafka's Java clients: for https, ssl.*; the name and the password of sasl.jaas.config.";

struct HttpServer {
  BrokerAddress address;
  bool tls = false;
  // Why nobody knows where this broker serves HTTP; the address is Kafka's then.
  std::optional<Error> unknown = {};
  // "broker:9644", "https://broker:9644"
  std::string text() const { return (tls ? "https://" : "") + address.text(); }
};

class HttpClient {
 public:
  // With properties of Kafka's Java clients: ssl.* for https, and with a security.protocol of SASL the name and the
  // password of sasl.jaas.config. A password is sent over https, and over plain HTTP only with SASL_PLAINTEXT.
  static Result<HttpClient> make(std::map<std::string, std::string> properties);
  // The properties are in a file; an empty name is none.
  static Result<HttpClient> from_file(const std::string& file);

  // Where commands go: `http` ("host:port,https://host:port"), if given; otherwise the brokers at `servers` are asked
  // over Kafka's protocol where they serve HTTP: two brokers of one machine cannot have the default port both. Without
  // either, this machine and the default port. Each server once.
  Result<std::vector<HttpServer>> servers(const std::string& http, const std::string& servers) const;
  // The first of them.
  Result<HttpServer> server(const std::string& http, const std::string& servers) const;

  // The whole answer. An error says what is missing where nobody listens, and where the broker asks for a password.
  Result<http::HttpAnswer> get(const HttpServer& server, const std::string& target, int64_t timeout_ms) const;
  // An answer that goes on: `take` gets the body in parts, as they come, and returns false to end it. An answer
  // other than 200 is an error, with its text.
  Status follow(const HttpServer& server, const std::string& target,
                const std::function<bool(ByteView part)>& take) const;

 private:
  Result<std::unique_ptr<BrokerTransport>> ask(const HttpServer& server, const std::string& target,
                                               Deadline deadline) const;
  bool may_send_password(const HttpServer& server) const { return server.tls || in_the_clear_; }
  HttpServer server_of(const BrokerAddress& broker) const;
  Error refused(const HttpServer& server, int status) const;

  std::map<std::string, std::string> properties_;
  std::string authorization_;  // empty: none
  bool in_the_clear_ = false;  // the password may be sent without TLS
};

// Encodes text for a query.
std::string percent_encoded(ByteView text);

}  // namespace milena::tools
