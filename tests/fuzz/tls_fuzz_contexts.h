// Shared by the targets of TLS: contexts of both sides, with newly generated keys.
#pragma once

#include <memory>
#include <utility>

#include "net/tls_engine.h"
#include "tests/security/test_authority.h"

namespace milena::fuzz {

class OneContext final : public net::TlsContextSource {
 public:
  OneContext(security::TlsRole role, const security::security_test::TestAuthority& authority) {
    const security::security_test::TestIdentity identity = authority.issue("localhost");
    const security::TlsSettings settings([&](ByteView name) {
      security::TlsSettings::Value value{std::nullopt, std::string(name)};
      if (name.ends_with(".type")) value.text = "PEM";
      if (name == "ssl.keystore.key") value.text = identity.key;
      if (name == "ssl.keystore.certificate.chain") value.text = identity.certificate;
      if (name == "ssl.truststore.certificates") value.text = authority.certificate();
      if (name == "ssl.client.auth") value.text = "requested";
      if (name == "ssl.protocol") value.text = "TLSv1.3";
      if (name == "ssl.principal.mapping.rules") value.text = "DEFAULT";
      return value;
    });
    context_ = security::TlsContext::load(settings, 0, role).take();
  }
  std::shared_ptr<const security::TlsContext> current() override { return context_; }

 private:
  std::shared_ptr<const security::TlsContext> context_;
};

struct TlsSides {
  security::security_test::TestAuthority authority;
  std::shared_ptr<OneContext> server = std::make_shared<OneContext>(security::TlsRole::kServer, authority);
  std::shared_ptr<OneContext> client = std::make_shared<OneContext>(security::TlsRole::kClient, authority);
};

inline const TlsSides& tls_sides() {
  static const TlsSides sides;
  return sides;
}

}  // namespace milena::fuzz
