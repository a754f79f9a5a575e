// Handshakes of TLS: any bytes, in pieces of any size, given to a connection that waits for a client. None of them ends
// in an open connection: a client needs keys for that.
#include <memory>

#include "fuzz_input.h"
#include "net/tls_engine.h"
#include "tests/security/certificates.h"

namespace {

using namespace milena;

class OneContext final : public TlsContextSource {
 public:
  OneContext() {
    security_test::TestAuthority authority;
    const security_test::TestIdentity identity = authority.issue("localhost");
    const TlsSettings settings([&](ByteView name) {
      TlsSettings::Value value{std::nullopt, std::string(name)};
      if (name.ends_with(".type")) value.text = "PEM";
      if (name == "ssl.keystore.key") value.text = identity.key;
      if (name == "ssl.keystore.certificate.chain") value.text = identity.certificate;
      if (name == "ssl.client.auth") value.text = "requested";
      if (name == "ssl.protocol") value.text = "TLSv1.3";
      if (name == "ssl.principal.mapping.rules") value.text = "DEFAULT";
      return value;
    });
    context_ = TlsContext::load(settings, 0).take();
  }
  std::shared_ptr<const TlsContext> current() override { return context_; }

 private:
  std::shared_ptr<const TlsContext> context_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto contexts = std::make_shared<OneContext>();
  fuzz::Input input(data, size);
  const size_t piece = 1 + input.wide_choice();
  TlsEngine engine(contexts);
  for (ByteView rest = input.rest(); !rest.empty() && engine.state() == TlsEngine::State::kHandshake;) {
    engine.give(rest.substr(0, piece));
    rest.remove_prefix(std::min(piece, rest.size()));
    engine.step();
    engine.outgoing().clear();
  }
  CHECK(engine.state() != TlsEngine::State::kOpen, "open without a client");
  return 0;
}
