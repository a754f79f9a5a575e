#include "security/sasl_oauthbearer.h"

#include <algorithm>

#include "base/ascii.h"
#include "security/scram_messages.h"

namespace milena::security {
namespace {

constexpr char kSeparator = '\x01';

struct FirstMessage {
  Bytes authorization_id;
  ByteView token;
};

bool is_extension_value(char c) { return (c >= 0x20 && c <= 0x7e) || c == '\t' || c == '\r' || c == '\n'; }
bool is_word_character(char c) { return is_ascii_letter(c) || (c >= '0' && c <= '9') || c == '_'; }
bool is_token_character(char c) { return is_word_character(c) || ByteView("-~+/.").find(c) != ByteView::npos; }

// "Bearer TOKEN"; empty for anything else.
ByteView token_of(ByteView auth) {
  const size_t blank = auth.find(' ');
  if (blank == ByteView::npos || ascii_lower(auth.substr(0, blank)) != "bearer") return {};
  ByteView token = auth.substr(blank);
  token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
  ByteView body = token.substr(0, token.find_last_not_of('=') + 1);
  return all_of_text(body, is_token_character) ? token : ByteView();
}

// n,[a=authzid],^Aname=value^A…auth=Bearer token^A…^A
std::optional<FirstMessage> parse_first(ByteView text) {
  FirstMessage first;
  if (!text.starts_with("n,")) return std::nullopt;
  text.remove_prefix(2);
  const size_t comma = text.find(',');
  if (comma == ByteView::npos) return std::nullopt;
  if (comma > 0) {
    if (!text.starts_with("a=")) return std::nullopt;
    std::optional<Bytes> name = unescape_sasl_name(text.substr(2, comma - 2));
    if (!name) return std::nullopt;
    first.authorization_id = std::move(*name);
  }
  text.remove_prefix(comma + 1);
  if (!text.starts_with(kSeparator) || !text.ends_with(kSeparator) || text.size() < 2) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    const size_t end = text.find(kSeparator);
    if (end == ByteView::npos) return std::nullopt;
    ByteView pair = text.substr(0, end);
    const size_t equals = pair.find('=');
    if (equals == ByteView::npos || !all_of_text(pair.substr(0, equals), is_ascii_letter) ||
        !all_of_text(pair.substr(equals + 1), is_extension_value)) {
      return std::nullopt;
    }
    if (pair.substr(0, equals) == "auth") first.token = token_of(pair.substr(equals + 1));
    text.remove_prefix(end + 1);
  }
  if (first.token.empty()) return std::nullopt;
  return first;
}

class OAuthBearerServer final : public SaslServer {
 public:
  explicit OAuthBearerServer(TokenJudge judge) : judge_(std::move(judge)) {}

  SaslStep step(ByteView token) override {
    // The client acknowledges its failure, and gets it again. Another token on the same connection is not accepted.
    if (!failure_.empty()) return {SaslStep::kRefused, {}, failure_, reason_};
    std::optional<FirstMessage> message = parse_first(token);
    if (!message) return sasl_bad_credentials("the message cannot be read");
    JwtVerdict verdict = judge_(message->token);
    if (!verdict.claims) {
      failure_ = "{\"status\":\"invalid_token\"}";
      reason_ = "the token was refused: " + verdict.refusal.reason;
      return sasl_challenge(failure_);
    }
    if (!message->authorization_id.empty() && message->authorization_id != verdict.claims->subject) {
      return {SaslStep::kRefused, {},
              "Authentication failed: Client requested an authorization id (" + message->authorization_id +
                  ") that is different from the token's principal name (" + verdict.claims->subject + ")",
              "another authorization id than the token's principal"};
    }
    identity_.principal.name = std::move(verdict.claims->subject);
    identity_.expires_ms = verdict.claims->expires_ms;
    return sasl_done({});
  }

 private:
  TokenJudge judge_;
  Bytes failure_;
  Bytes reason_;
};

}  // namespace

std::unique_ptr<SaslServer> make_oauthbearer_server(TokenJudge judge) {
  return std::make_unique<OAuthBearerServer>(std::move(judge));
}

}  // namespace milena::security
