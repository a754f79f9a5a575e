// Owners of OpenSSL's objects, and its errors as text. For the files of this folder and of net/ that use OpenSSL.
#pragma once

#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace milena::security {

template <auto Free>
struct OpensslFree {
  template <class Object>
  void operator()(Object* object) const {
    Free(object);
  }
};

using OpensslKey = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using OpensslCertificate = std::unique_ptr<X509, OpensslFree<X509_free>>;
using OpensslContext = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using OpensslConnection = std::unique_ptr<SSL, OpensslFree<SSL_free>>;

// The reason of the last error of this thread, for people; clears all of them.
std::string take_openssl_error();
// Call before anything else of OpenSSL; repeated calls are allowed. The system's openssl.cnf is not read: only the
// broker's settings decide what a listener allows.
void start_openssl();

}  // namespace milena::security
