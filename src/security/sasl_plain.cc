#include "security/sasl_plain.h"

#include <fmt/format.h>

#include <vector>

#include "base/sha2.h"
#include "security/random_bytes.h"

namespace milena::security {
namespace {

constexpr ByteView kUserOption = "user_";

// The parts between NULs, at most four.
std::vector<ByteView> parts_of(ByteView message) {
  std::vector<ByteView> parts;
  for (size_t begin = 0; parts.size() < 4;) {
    size_t end = message.find('\0', begin);
    parts.push_back(message.substr(begin, end == ByteView::npos ? end : end - begin));
    if (end == ByteView::npos) break;
    begin = end + 1;
  }
  return parts;
}

class PlainServer final : public SaslServer {
 public:
  explicit PlainServer(std::shared_ptr<const PlainUsers> users) : users_(std::move(users)) {}

  SaslStep step(ByteView token) override {
    std::vector<ByteView> parts = parts_of(token);
    if (parts.size() != 3) {
      return sasl_refused(fmt::format("Invalid SASL/PLAIN response: expected 3 tokens, got {}", parts.size()));
    }
    const ByteView authorization_id = parts[0], user = parts[1], password = parts[2];
    if (user.empty()) return sasl_refused("Authentication failed: username not specified");
    if (password.empty()) return sasl_refused("Authentication failed: password not specified");
    if (!users_->knows(user, password)) return sasl_refused("Authentication failed: Invalid username or password");
    if (!authorization_id.empty() && authorization_id != user) {
      return sasl_refused(
          "Authentication failed: Client requested an authorization id that is different from username");
    }
    identity_.principal.name = Bytes(user);
    return sasl_done({});
  }

 private:
  std::shared_ptr<const PlainUsers> users_;
};

}  // namespace

bool equal_in_constant_time(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  volatile unsigned char different = 0;
  for (size_t i = 0; i < a.size(); i++) {
    different = static_cast<unsigned char>(different | (static_cast<uint8_t>(a[i]) ^ static_cast<uint8_t>(b[i])));
  }
  return different == 0;
}

PlainUsers::PlainUsers(const JaasEntry& entry, Random& random)
    : key_(random_bytes(random, 32)), nobody_(random_bytes(random, 32)) {
  for (const auto& [name, value] : entry.options) {
    if (name.starts_with(kUserOption)) digests_[name.substr(kUserOption.size())] = digest(value);
  }
}

Bytes PlainUsers::digest(ByteView password) const { return sha2_hmac(Sha2::k256, key_, password); }

bool PlainUsers::knows(ByteView user, ByteView password) const {
  auto found = digests_.find(user);
  // The digest for unknown users is random, and cannot be guessed.
  return equal_in_constant_time(digest(password), found == digests_.end() ? nobody_ : found->second);
}

std::unique_ptr<SaslServer> make_plain_server(std::shared_ptr<const PlainUsers> users) {
  return std::make_unique<PlainServer>(std::move(users));
}

}  // namespace milena::security
