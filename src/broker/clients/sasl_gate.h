// SaslGate: authenticates a connection of a SASL listener before it is served, and again when its session expires.
//
// Until a client has authenticated, only ApiVersions (once), SaslHandshake and its successors are accepted:
// SaslAuthenticate after version 1, raw tokens after version 0. A failure is answered after a pause, and closes the
// connection. Belongs to the connection's shard. Source: Kafka's SaslServerAuthenticator, KafkaChannel, SocketServer.
#pragma once

#include <memory>
#include <optional>

#include "broker/clients/call.h"
#include "broker/clients/sasl_settings.h"
#include "security/sasl_server.h"

namespace milena {
struct RequestHeader;
}  // namespace milena

namespace milena::broker {

class SaslServices;
struct ListenerFigures;

class SaslGate {
 public:
  SaslGate(ShardContext& shard, std::shared_ptr<ConnectionState> connection, const SaslServices& services,
           const SaslListenerSettings& listener);

  // Returns true if the gate took the frame: it was answered, or the connection closed. False: the frame is an ordinary
  // request.
  bool take(const Frame& frame);

 private:
  enum class State {
    kStart,      // expects ApiVersions or SaslHandshake
    kHandshake,  // ApiVersions was answered; expects SaslHandshake
    kTokens,     // within an exchange
    kWrongMechanism,
    kDone,
    kFailed,
  };

  bool take_when_done(const Frame& frame);
  bool take_request(const Frame& frame);
  bool take_api_versions(const RequestHeader& header, Reader& reader);
  void refuse_api_versions(const Frame& frame, const RequestHeader& header);
  void take_handshake(const Frame& frame, const RequestHeader& header, Reader& reader);
  void take_token_request(const Frame& frame);
  void take_raw_token(const Frame& frame);
  bool may_authenticate_again();
  bool expired() const;

  // One step of the exchange. The last one has the session's lifetime for the answer, or an error message.
  security::SaslStep step(ByteView token);
  void finish(const security::SaslIdentity& identity, security::SaslStep& step);
  int64_t start_session(const security::SaslIdentity& identity);
  void close(std::string reason);
  template <class ApiCall>
  void fail(std::shared_ptr<ApiCall> call, typename ApiCall::Response response, std::string reason);
  void fail_without_answer(std::string reason);
  void note(ByteView reason) const;
  void note_failure(ByteView reason);
  ListenerFigures& figures() const;

  ShardContext& shard_;
  std::shared_ptr<ConnectionState> connection_;
  const SaslServices& services_;
  const SaslListenerSettings& listener_;
  State state_ = State::kStart;
  bool raw_tokens_ = false;
  const SaslMechanismSettings* mechanism_ = nullptr;
  std::unique_ptr<security::SaslServer> server_;
  // Of the previous exchange, while the client authenticates again.
  bool again_ = false;
  std::optional<int64_t> session_ends_ms_;   // steady
  std::optional<int64_t> last_begun_ms_;     // steady: when it last authenticated again
  int64_t lifetime_ms_ = 0;
  Bytes client_id_;  // of SaslHandshake
};

}  // namespace milena::broker
