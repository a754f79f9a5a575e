// From TlsSettings to what its key store and its trust store hold. The rules about which settings go together are
// Kafka's (DefaultSslEngineFactory). Reads files: on a thread that may block.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "security/key_store.h"
#include "security/tls_settings.h"

namespace milena::security {

// Errors tell the key, the file and what was expected, and never a password.
Result<KeyStore> load_key_store(const TlsSettings& settings);
// Nothing where none is named.
Result<std::optional<KeyStore>> load_trust_store(const TlsSettings& settings);

// Identifies the version of a file: it changes if the file is replaced or rewritten. Empty if there is no file.
std::string file_fingerprint(ByteView path);

}  // namespace milena::security
