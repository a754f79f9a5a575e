// SASL: any bytes as tokens of each mechanism, as a JAAS line, a JWT, a JWKS and rules for Kerberos names, as a header
// of HTTP's Basic authentication, and as a server's responses to a client. None may authenticate a client, or pass as a
// server with the password, and all reads must stay within the bytes.
#include "base/check.h"
#include "fuzz_input.h"
#include "security/basic_credentials.h"
#include "security/jaas.h"
#include "security/jwt.h"
#include "security/kerberos_name.h"
#include "security/sasl_client.h"
#include "security/sasl_login.h"
#include "security/sasl_oauthbearer.h"
#include "security/sasl_plain.h"
#include "security/scram.h"

namespace milena {
namespace {

std::shared_ptr<const security::ScramDirectory> directory() {
  auto made = std::make_shared<security::ScramDirectory>();
  made->decoy_key = "key";
  made->find_user = [](security::ScramMechanism mechanism, ByteView user) -> std::optional<security::ScramCredential> {
    if (user != "alice") return std::nullopt;
    const size_t bytes = security::scram_hash_bytes(mechanism);
    return security::ScramCredential{"salt", Bytes(bytes, 's'), Bytes(bytes, 'k'), 4096};
  };
  made->find_token = [](security::ScramMechanism, ByteView) {
    return std::optional<security::ScramDirectory::Token>();
  };
  made->find_any = [](security::ScramMechanism) { return std::optional<security::ScramCredential>(); };
  return made;
}

// Tokens between line ends.
void exchange(security::SaslServer& server, ByteView tokens) {
  for (int i = 0; i < 4; i++) {
    const size_t end = tokens.find('\n');
    const security::SaslStep step = server.step(tokens.substr(0, end));
    CHECK(step.kind != security::SaslStep::kDone, "somebody was let in");
    if (step.kind == security::SaslStep::kRefused || end == ByteView::npos) return;
    tokens.remove_prefix(end + 1);
  }
}

// A server's tokens, separated by line ends.
void deceive(security::ScramMechanism mechanism, ByteView tokens, Random& random) {
  auto client =
      security::make_sasl_client({Bytes(security::scram_mechanism_name(mechanism)), "alice", "a long secret"}, random);
  const Bytes first = client->first_token();
  for (int i = 0; i < 4; i++) {
    const size_t end = tokens.find('\n');
    Bytes token(tokens.substr(0, end));
    // It only proceeds with the client's own nonce.
    if (token.starts_with("r=")) token.insert(2, first.substr(first.find("r=") + 2));
    auto next = client->step(token);
    CHECK(!next.ok() || *next, "a stranger was taken for the server");
    if (!next.ok() || end == ByteView::npos) return;
    tokens.remove_prefix(end + 1);
  }
}

void answer_login(ByteView answers, Random& random) {
  const security::SaslCredentials credentials{"PLAIN", "alice", "a long secret"};
  security::SaslLogin login(credentials, random, "client");
  (void)login.first_request();
  for (int i = 0; i < 4; i++) {
    const size_t size = answers.empty() ? 0 : static_cast<uint8_t>(answers[0]);
    auto next = login.step(answers.substr(0, size));
    if (!next.ok() || !*next) return;
    answers.remove_prefix(std::min(answers.size(), size));
  }
}

// Credentials that were read are the same when they are written and read again.
void read_header(ByteView header) {
  const auto given = security::parse_basic_credentials(header);
  if (!given) return;
  CHECK(!given->user.empty() && given->user.find(':') == Bytes::npos, "a name that cannot be");
  const auto again = security::parse_basic_credentials(security::basic_authorization(given->user, given->password));
  CHECK(again && again->user == given->user && again->password == given->password, "other credentials");
}

void fuzz_one(int choice, ByteView bytes) {
  static SeededRandom random(1);
  static const auto users =
      std::make_shared<security::PlainUsers>(security::JaasEntry{"", "", {{"user_alice", "a long secret"}}}, random);
  static const auto keys =
      security::parse_jwks(R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                           R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})");
  switch (choice % 12) {
    case 0: return exchange(*security::make_plain_server(users), bytes);
    case 1:
      return exchange(*security::make_scram_server(security::ScramMechanism::kSha256, directory(), random), bytes);
    case 2:
      return exchange(*security::make_scram_server(security::ScramMechanism::kSha512, directory(), random), bytes);
    case 3:
      return exchange(
          *security::make_oauthbearer_server([](ByteView token) { return security::verify_jwt(token, **keys, {}, 1); }),
          bytes);
    case 4: return (void)security::parse_jaas(bytes).ok();
    case 5: return (void)security::verify_jwt(bytes, **keys, {}, 1).claims.has_value();
    case 6: return (void)security::parse_jwks(bytes).ok();
    case 7: return deceive(security::ScramMechanism::kSha256, bytes, random);
    case 8: return deceive(security::ScramMechanism::kSha512, bytes, random);
    case 9: return answer_login(bytes, random);
    case 11: return read_header(bytes);
    default: {
      const size_t end = bytes.find('\n');
      auto names = security::KerberosNames::parse({Bytes(bytes.substr(0, end))});
      if (names.ok() && end != ByteView::npos) (void)names->short_name(bytes.substr(end + 1), "REALM");
    }
  }
}

}  // namespace
}  // namespace milena

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  milena::fuzz::Input input(data, size);
  const int choice = input.choice();
  milena::fuzz_one(choice, input.rest());
  return 0;
}
