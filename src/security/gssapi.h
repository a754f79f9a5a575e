// GSSAPI (RFC 4752) with Kerberos: libgssapi_krb5 is loaded when a listener needs it. The library reads the key table
// and krb5.conf itself.
#pragma once

#include <memory>

#include "base/result.h"
#include "security/kerberos_name.h"
#include "security/sasl_server.h"

namespace milena::security {

// The broker's own Kerberos credentials, and the mapping of client names. Any thread.
class GssapiCredentials {
 public:
  virtual ~GssapiCredentials() = default;
  virtual std::unique_ptr<SaslServer> make_server() const = 0;
};

struct GssapiOptions {
  Bytes key_table;          // a file; empty for the default one
  Bytes service_principal;  // "kafka/host@REALM"; empty for any in the key table
  Bytes default_realm;      // empty: the service principal's
};

// An error if the library or the keys are missing.
Result<std::shared_ptr<const GssapiCredentials>> load_gssapi(const GssapiOptions& options, KerberosNames names);

}  // namespace milena::security
