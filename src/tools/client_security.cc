#include "tools/client_security.h"

#include "base/executor.h"
#include "config/config_def.h"
#include "security/security_protocol.h"
#include "tools/tls_transport.h"

namespace milena::tools {
namespace {

using ClientProperties = std::map<std::string, std::string>;

// Kafka's clients have the same defaults as its brokers.
security::TlsSettings tls_of(const ClientProperties& properties) {
  return security::TlsSettings([&](ByteView name) {
    security::TlsSettings::Value value{std::nullopt, std::string(name)};
    if (auto found = properties.find(value.key); found != properties.end()) {
      value.text = found->second;
    } else if (const config::ConfigDef* def = config::find_broker_config(name);
               def != nullptr && def->default_value != nullptr) {
      value.text = def->default_value;
    }
    return value;
  });
}

Result<security::SaslCredentials> login_of(const ClientProperties& properties) {
  const auto mechanism = properties.find("sasl.mechanism");
  const auto line = properties.find("sasl.jaas.config");
  const std::string name = mechanism == properties.end() ? "GSSAPI" : mechanism->second;
  Result<security::JaasEntry> entry = security::parse_jaas(line == properties.end() ? std::string() : line->second);
  if (name != "GSSAPI" && line == properties.end()) {
    return make_error(ErrorKind::kInvalid, "sasl.jaas.config is not set; sasl.mechanism={} needs it", name);
  }
  if (name != "GSSAPI" && !entry.ok()) {
    return make_error(ErrorKind::kInvalid, "sasl.jaas.config=[hidden]: {}", entry.error().message);
  }
  Result<security::SaslCredentials> credentials =
      security::sasl_credentials(name, entry.ok() ? *entry : security::JaasEntry());
  if (credentials.ok()) return credentials;
  const bool unsupported = credentials.error().kind == ErrorKind::kUnsupported;
  return make_error(ErrorKind::kInvalid, "{}: {}",
                    unsupported ? "sasl.mechanism=" + name : std::string("sasl.jaas.config=[hidden]"),
                    credentials.error().message);
}

}  // namespace

Result<ClientSecurity> client_security(const std::optional<security::TlsSettings>& tls,
                                       std::optional<security::SaslCredentials> login) {
  ClientSecurity security;
  security.login = std::move(login);
  if (!tls) return security;
  auto context = security::TlsContext::load(*tls, system_clock().wall_ms(), security::TlsRole::kClient);
  RETURN_IF_ERROR(context);
  security.make_transport = tls_transport_maker(context.take());
  return security;
}

Result<ClientSecurity> client_security(const ClientProperties& properties) {
  const auto found = properties.find("security.protocol");
  const std::string name = found == properties.end() ? "PLAINTEXT" : found->second;
  const std::optional<security::SecurityProtocol> protocol = security::parse_security_protocol(name);
  if (!protocol) {
    return make_error(ErrorKind::kInvalid, "security.protocol={}: expected PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
                      name);
  }
  std::optional<security::SaslCredentials> login;
  if (security::uses_sasl(*protocol)) {
    auto credentials = login_of(properties);
    RETURN_IF_ERROR(credentials);
    login = credentials.take();
  }
  std::optional<security::TlsSettings> tls;
  if (security::uses_tls(*protocol)) tls = tls_of(properties);
  return client_security(tls, std::move(login));
}

}  // namespace milena::tools
