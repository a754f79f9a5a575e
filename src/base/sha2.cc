#include "base/sha2.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <new>

namespace milena {
namespace {

const EVP_MD* digest_of(Sha2 kind) { return kind == Sha2::k256 ? EVP_sha256() : EVP_sha512(); }

Bytes digest_bytes(const unsigned char* bytes, unsigned size) {
  return Bytes(reinterpret_cast<const char*>(bytes), size);
}

const unsigned char* bytes_of(ByteView data) { return reinterpret_cast<const unsigned char*>(data.data()); }

}  // namespace

Bytes sha2_digest(Sha2 kind, ByteView data) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  // These fail for lack of memory alone.
  if (EVP_Digest(data.data(), data.size(), digest, &size, digest_of(kind), nullptr) != 1) throw std::bad_alloc();
  return digest_bytes(digest, size);
}

Bytes sha2_hmac(Sha2 kind, ByteView key, ByteView data) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  // A null key would mean the one of before.
  const void* const key_bytes = key.empty() ? "" : key.data();
  if (HMAC(digest_of(kind), key_bytes, static_cast<int>(key.size()), bytes_of(data), data.size(), digest, &size) ==
      nullptr)
    throw std::bad_alloc();
  return digest_bytes(digest, size);
}

}  // namespace milena
