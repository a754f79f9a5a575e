// Makes a certificate authority and a server's certificate, for a broker that is secured in one step. Pure: the time
// is handed in; keys come from OpenSSL's own source of random numbers.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace milena {

struct MadeCertificate {
  Bytes certificate;  // PEM
  Bytes key;          // PEM, PKCS8, not encrypted
};

// Good for ten years.
Result<MadeCertificate> make_authority(ByteView common_name, int64_t now_ms);
// For these names of the host and its numeric addresses; good for two years.
Result<MadeCertificate> make_server_certificate(const MadeCertificate& authority, const std::vector<Bytes>& names,
                                                const std::vector<Bytes>& addresses, int64_t now_ms);

}  // namespace milena
