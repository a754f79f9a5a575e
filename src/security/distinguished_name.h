// A certificate's subject as Java's text (RFC 2253): the name of a principal in ACLs and ssl.principal.mapping.rules.
// "CN=app,OU=Payments,O=Example"
#pragma once

#include <openssl/x509.h>

#include "base/bytes.h"

namespace milena::security {

Bytes distinguished_name(const X509_NAME* name);

}  // namespace milena::security
