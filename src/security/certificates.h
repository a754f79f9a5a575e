// Creates certificate authorities, and certificates that they sign, for securing a broker in one step, and for tests.
// Pure: the time is passed in; keys come from OpenSSL's own source of random numbers.
#pragma once

#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace milena::security {

struct MadeCertificate {
  Bytes certificate;  // PEM
  Bytes key;          // PEM, PKCS8, not encrypted
};

struct CertificateWish {
  std::vector<std::pair<Bytes, Bytes>> subject;  // {"CN", "localhost"}; the most general part is last in its text
  Bytes alternative_names;                       // "DNS:localhost,IP:127.0.0.1"; empty: none
  int64_t from_s = 0;                            // since 1970
  int64_t until_s = 0;
  bool authority = false;
  bool for_servers_alone = false;
};
// Signed by the issuer, or by itself.
Result<MadeCertificate> make_certificate(const CertificateWish& wish, const MadeCertificate* issuer);

// Good for ten years.
Result<MadeCertificate> make_authority(ByteView common_name, int64_t now_ms);
// For these names of the host and its numeric addresses; good for two years.
Result<MadeCertificate> make_server_certificate(const MadeCertificate& authority, const std::vector<Bytes>& names,
                                                const std::vector<Bytes>& addresses, int64_t now_ms);

}  // namespace milena::security
