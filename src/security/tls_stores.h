// Loads the key store and the trust store of TlsSettings. The rules for combining settings are Kafka's
// (DefaultSslEngineFactory). Reads files: on a thread that may block.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "security/key_store.h"
#include "security/tls_settings.h"

namespace milena::security {

// Errors have the key, the file and what was expected, and never a password.
Result<KeyStore> load_key_store(const TlsSettings& settings);
// Nothing if none is set.
Result<std::optional<KeyStore>> load_trust_store(const TlsSettings& settings);

// Identifies the version of a file: it changes if the file is replaced or rewritten. Empty if there is no file.
std::string file_fingerprint(ByteView path);

}  // namespace milena::security
