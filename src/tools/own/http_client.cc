#include "tools/own/http_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/config_listeners.h"
#include "http/answer_reader.h"
#include "protocol/messages/describe_configs.h"
#include "security/basic_credentials.h"
#include "tools/admin.h"
#include "tools/client_security.h"
#include "tools/cluster.h"

namespace milena::tools {
namespace {

constexpr size_t kLargestBody = 256 << 20;
constexpr char kProtocol[] = "security.protocol";

Error no_http(const HttpServer& server, const std::string& why) {
  return make_error(ErrorKind::kIo,
                    "cannot connect to the broker's HTTP server at {}: {}. Its address is milena.http.listeners "
                    "(127.0.0.1:9644 by default, for clients on its own machine); set another one with --http "
                    "HOST:PORT, or with TLS --http https://HOST:PORT",
                    server.text(), why);
}

Result<HttpServer> parse_http_server(const std::string& text) {
  auto address = parse_broker_address(text);
  RETURN_IF_ERROR(address);
  return HttpServer{.address = address.take(), .tls = text.starts_with("https://")};
}

// milena.http.listeners of the one broker that is connected. Only a broker itself answers for its id.
Result<std::string> http_setting(Cluster& cluster) {
  auto known = cluster.metadata();
  RETURN_IF_ERROR(known);
  std::vector<std::string> ids;  // the request refers to them
  for (const auto& broker : known->brokers) ids.push_back(std::to_string(broker.node_id));
  DescribeConfigsRequest request;
  for (const std::string& id : ids) {
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<int8_t>(ConfigKind::kBroker);
    resource.resource_name = id;
    resource.configuration_keys = {ByteView(config::kHttpListeners)};
  }
  auto answer = cluster.ask<DescribeConfigsResponse>(request);
  RETURN_IF_ERROR(answer);
  for (const auto& result : answer->results) {
    if (result.error_code == ErrorCode::kClusterAuthorizationFailed) return answer_error(result.error_code, {});
    if (result.error_code != ErrorCode::kNone) continue;
    for (const auto& entry : result.configs) {
      if (entry.name == config::kHttpListeners) return entry.value.value_or("");
    }
    return make_error(ErrorKind::kUnsupported, "it is no Milena");
  }
  return make_error(ErrorKind::kIo, "it does not describe itself");
}

}  // namespace

// A listener of this machine alone, or of all addresses, is asked at the address of the broker.
HttpServer HttpClient::server_of(const BrokerAddress& broker) const {
  const auto lacks = [&broker](const std::string& why) {
    return HttpServer{.address = broker, .unknown = make_error(ErrorKind::kIo,
                      "where the broker at {} serves HTTP is not known: {}. Name the address with --http HOST:PORT",
                      broker.text(), why)};
  };
  auto cluster = Cluster::open({.servers = broker.text(), .properties = properties_});
  if (!cluster.ok()) return lacks(cluster.error().message);
  auto setting = http_setting(**cluster);
  if (!setting.ok()) return lacks(setting.error().message);
  const Bytes first = setting->substr(0, setting->find(','));
  if (first.empty()) return lacks(fmt::format("its {} is empty", config::kHttpListeners));
  auto endpoint = config::parse_http_listener(first);
  if (!endpoint.ok()) return lacks(endpoint.error().message);
  if (endpoint->port == 0) return lacks(fmt::format("its {} is {}, any free port", config::kHttpListeners, first));
  const bool same_host = config::is_wildcard(endpoint->host) || config::is_loopback(endpoint->host);
  return {.address = {same_host ? broker.host : endpoint->host, endpoint->port}, .tls = endpoint->protocol == "SSL"};
}

Result<std::vector<HttpServer>> HttpClient::servers(const std::string& http, const std::string& servers) const {
  std::vector<HttpServer> each;
  const auto add = [&each](HttpServer one) {
    const bool known =
        std::any_of(each.begin(), each.end(), [&](const HttpServer& other) { return other.text() == one.text(); });
    if (!known) each.push_back(std::move(one));
  };
  if (!http.empty()) {
    for (size_t begin = 0; begin <= http.size();) {
      const size_t comma = std::min(http.find(',', begin), http.size());
      auto server = parse_http_server(http.substr(begin, comma - begin));
      RETURN_IF_ERROR(server);
      add(server.take());
      begin = comma + 1;
    }
  } else if (!servers.empty()) {
    auto given = parse_broker_addresses(servers);
    RETURN_IF_ERROR(given);
    for (const BrokerAddress& one : *given) add(server_of(one));
  } else {
    add({.address = {kUsualHttpHost, kUsualHttpPort}});
  }
  return each;
}

Result<HttpServer> HttpClient::server(const std::string& http, const std::string& servers) const {
  auto each = this->servers(http, servers);
  RETURN_IF_ERROR(each);
  return std::move(each->front());
}

std::string percent_encoded(ByteView text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<uint8_t>(c));
  }
  return encoded;
}

Result<HttpClient> HttpClient::from_file(const std::string& file) {
  if (file.empty()) return make({});
  auto properties = read_properties(file);
  RETURN_IF_ERROR(properties);
  return make(properties.take());
}

Result<HttpClient> HttpClient::make(std::map<std::string, std::string> properties) {
  HttpClient client;
  client.properties_ = std::move(properties);
  const auto protocol = client.properties_.find(kProtocol);
  if (protocol == client.properties_.end() || !protocol->second.starts_with("SASL_")) return client;
  client.in_the_clear_ = protocol->second == "SASL_PLAINTEXT";
  auto of_login = client.properties_;
  of_login[kProtocol] = "SASL_PLAINTEXT";  // reads no stores
  auto security = client_security(of_login);
  RETURN_IF_ERROR(security);
  if (security->login->by_token) {
    return make_error(ErrorKind::kInvalid, "sasl.jaas.config=[hidden]: a delegation token cannot be used over HTTP");
  }
  client.authorization_ = security::basic_authorization(security->login->user, security->login->password);
  return client;
}

Result<std::unique_ptr<BrokerTransport>> HttpClient::ask(const HttpServer& server, const std::string& target,
                                                         Deadline deadline) const {
  if (server.unknown) return *server.unknown;
  BrokerTransportMaker connect = connect_plain;
  if (server.tls) {
    auto of_tls = properties_;
    of_tls[kProtocol] = "SSL";
    auto security = client_security(of_tls);
    RETURN_IF_ERROR(security);
    connect = security->make_transport;
  }
  auto connected = connect(server.address, deadline);
  if (!connected.ok()) return no_http(server, connected.error().message);
  std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", target, server.address.text());
  if (!authorization_.empty() && may_send_password(server)) request += "Authorization: " + authorization_ + "\r\n";
  Status sent = (*connected)->send(request + "\r\n", deadline);
  if (!sent.ok()) return no_http(server, sent.error().message);
  return connected;
}

// For 401 and 403.
Error HttpClient::refused(const HttpServer& server, int status) const {
  if (status == 403) {
    return make_error(ErrorKind::kInvalid, "{}: the user may not describe the cluster; an ACL must allow Describe on "
                                           "the cluster", server.text());
  }
  if (authorization_.empty()) {
    return make_error(ErrorKind::kInvalid, "{}: the broker needs a user's name and password; expected --command-config "
                                           "FILE with security.protocol=SASL_SSL, sasl.mechanism and sasl.jaas.config",
                      server.text());
  }
  if (!may_send_password(server)) {
    return make_error(ErrorKind::kInvalid, "{}: the broker needs a password, which is not sent without TLS; expected "
                                           "--http https://HOST:PORT, or security.protocol=SASL_PLAINTEXT",
                      server.text());
  }
  return make_error(ErrorKind::kInvalid, "{}: the user is unknown, or the password is wrong", server.text());
}

Result<http::HttpAnswer> HttpClient::get(const HttpServer& server, const std::string& target,
                                         int64_t timeout_ms) const {
  const Deadline deadline = deadline_in(timeout_ms);
  auto connected = ask(server, target, deadline);
  RETURN_IF_ERROR(connected);
  http::HttpAnswerReader reader;
  std::string body;
  char buffer[16 * 1024];
  while (!reader.ended()) {
    Result<size_t> got = (*connected)->receive_some(buffer, sizeof buffer, deadline);
    if (!got.ok() && reader.end().ok()) break;
    if (!got.ok()) return no_http(server, got.error().message);
    Status read = reader.feed(ByteView(buffer, *got), body);
    if (!read.ok()) return no_http(server, read.error().message);
    if (body.size() > kLargestBody) return no_http(server, "the answer is too large");
  }
  http::HttpAnswer answer = reader.answer();
  if (answer.status == 401 || answer.status == 403) return refused(server, answer.status);
  answer.body = std::move(body);
  return answer;
}

Status HttpClient::follow(const HttpServer& server, const std::string& target,
                          const std::function<bool(ByteView part)>& take) const {
  auto connected = ask(server, target, deadline_in(10'000));
  RETURN_IF_ERROR(connected);
  http::HttpAnswerReader reader;
  char buffer[16 * 1024];
  std::string refusal;
  while (!reader.ended()) {
    constexpr int64_t kHour_ms = 3'600'000;
    Result<size_t> got = (*connected)->receive_some(buffer, sizeof buffer, deadline_in(kHour_ms * 24 * 365));
    if (stop_requested()) return ok_status();
    if (!got.ok()) return make_error(ErrorKind::kIo, "the broker ended the connection: {}", got.error().message);
    std::string body;
    RETURN_IF_ERROR(reader.feed(ByteView(buffer, *got), body));
    if (!reader.has_head()) continue;
    if (reader.answer().status != 200) {
      refusal += body;
    } else if (!body.empty() && !take(body)) {
      return ok_status();
    }
  }
  const int status = reader.answer().status;
  if (status == 200) return ok_status();
  if (status == 401 || status == 403) return refused(server, status);
  while (refusal.ends_with('\n')) refusal.pop_back();
  return make_error(ErrorKind::kIo, "{}", refusal);
}

}  // namespace milena::tools
