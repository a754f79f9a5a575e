// SaslClient: the client's side of one SASL exchange, for connections that this program opens itself: PLAIN and SCRAM.
// Pure: tokens in, tokens out. Belongs to one connection.
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "security/jaas.h"

namespace milena::security {

// The user to log in as.
struct SaslCredentials {
  Bytes mechanism;
  Bytes user;
  Bytes password;
  bool by_token = false;  // user and password are the id and the HMAC of a delegation token
};

// The credentials of a JAAS line for a mechanism: username, password, and for SCRAM tokenauth. Errors have no secrets.
Result<SaslCredentials> sasl_credentials(ByteView mechanism, const JaasEntry& entry);

class SaslClient {
 public:
  virtual ~SaslClient() = default;
  virtual Bytes first_token() = 0;
  // The next token. Nothing: the exchange is complete, and the server is authenticated.
  virtual Result<std::optional<Bytes>> step(ByteView challenge) = 0;
};

// The mechanism must be one of sasl_credentials().
std::unique_ptr<SaslClient> make_sasl_client(const SaslCredentials& credentials, Random& random);

}  // namespace milena::security
