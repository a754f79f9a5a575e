#include "security/tls_ciphers.h"

#include <openssl/ssl.h>

#include <vector>

namespace milena::security {
namespace {

std::vector<ByteView> items_of(ByteView list) {
  std::vector<ByteView> items;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    ByteView item = list.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) items.push_back(item);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return items;
}

void append_name(std::string& names, ByteView name) {
  if (!names.empty()) names.push_back(':');
  names += name;
}

// The suites of TLS 1.3 do not name a key exchange.
bool is_of_v13(ByteView suite) { return suite.starts_with("TLS_") && suite.find("_WITH_") == ByteView::npos; }

}  // namespace

Result<TlsVersions> parse_tls_versions(ByteView list) {
  TlsVersions versions;
  const std::vector<ByteView> items = items_of(list);
  if (items.empty()) return TlsVersions{true, true};
  for (ByteView item : items) {
    if (item == "TLSv1.2") {
      versions.v12 = true;
    } else if (item == "TLSv1.3") {
      versions.v13 = true;
    } else if (item != "TLSv1.1" && item != "TLSv1" && item != "SSLv3" && item != "SSLv2Hello") {
      return make_error(ErrorKind::kInvalid, "{} is not a version of TLS; expected TLSv1.2 and TLSv1.3", item);
    }
  }
  if (!versions.v12 && !versions.v13) {
    return make_error(ErrorKind::kInvalid, "these versions are no longer supported; expected TLSv1.2 or TLSv1.3");
  }
  return versions;
}

bool is_java_ssl_protocol(ByteView name) {
  for (ByteView known : {"TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1", "TLS", "SSL", "SSLv3", "Default"}) {
    if (name == known) return true;
  }
  return false;
}

Result<TlsCiphers> parse_cipher_suites(ByteView list) {
  TlsCiphers ciphers;
  const std::vector<ByteView> items = items_of(list);
  ciphers.all = items.empty();
  for (ByteView item : items) {
    if (item == "TLS_EMPTY_RENEGOTIATION_INFO_SCSV") continue;
    // Java's oldest names.
    const std::string standard = item.starts_with("SSL_") ? "TLS_" + std::string(item.substr(4)) : std::string(item);
    const ByteView name = OPENSSL_cipher_name(standard.c_str());
    if (name == "(NONE)") return make_error(ErrorKind::kInvalid, "{} is not a known cipher suite", item);
    append_name(is_of_v13(standard) ? ciphers.v13 : ciphers.v12, is_of_v13(standard) ? ByteView(standard) : name);
  }
  if (!ciphers.all && ciphers.v12.empty() && ciphers.v13.empty()) {
    return make_error(ErrorKind::kInvalid, "expected at least one cipher suite");
  }
  return ciphers;
}

}  // namespace milena::security
