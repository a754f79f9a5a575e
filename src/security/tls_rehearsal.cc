#include "security/tls_rehearsal.h"

namespace milena::security {
namespace {

// More than a handshake takes.
constexpr int kMaxTurns = 32;
// A chain of certificates is longer than a pair's usual room.
constexpr size_t kRoom = 256 * 1024;

// One side's turn: whether it is done, or waits for the other. Nothing: it refuses.
std::optional<bool> turn(SSL* side) {
  const int result = SSL_do_handshake(side);
  if (result == 1) return true;
  const int error = SSL_get_error(side, result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> refusal_of_handshake(const TlsContext& client, const TlsContext& server) {
  const OpensslConnection asks(SSL_new(client.handle())), answers(SSL_new(server.handle()));
  BIO *near = nullptr, *far = nullptr;
  if (!asks || !answers || BIO_new_bio_pair(&near, kRoom, &far, kRoom) != 1) return take_openssl_error();
  SSL_set_bio(asks.get(), near, near);
  SSL_set_bio(answers.get(), far, far);
  SSL_set_connect_state(asks.get());
  SSL_set_accept_state(answers.get());
  for (int i = 0; i < kMaxTurns; i++) {
    const auto client_done = turn(asks.get());
    if (!client_done) return take_openssl_error();
    const auto server_done = turn(answers.get());
    if (!server_done) return take_openssl_error();
    if (*client_done && *server_done) return std::nullopt;
  }
  return "the handshake does not end";
}

std::optional<std::string> refusal_between_nodes(const TlsSettings& settings, int64_t now_ms) {
  const auto client = TlsContext::load(settings, now_ms, TlsRole::kClient);
  if (!client.ok()) return client.error().message;
  const auto server = TlsContext::load(settings, now_ms, TlsRole::kServer);
  if (!server.ok()) return server.error().message;
  return refusal_of_handshake(**client, **server);
}

}  // namespace milena::security
