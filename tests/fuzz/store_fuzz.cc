// Key stores: any bytes read as JKS, PKCS12 and PEM, with and without passwords. The keys read can be used.
#include "fuzz_input.h"
#include "security/distinguished_name.h"
#include "security/key_store.h"

namespace {

void use(const milena::Result<milena::security::KeyStore>& store) {
  if (!store.ok()) {
    CHECK(!store.error().message.empty(), "an error without words");
    return;
  }
  for (const milena::security::KeyEntry& entry : store->keys) {
    CHECK(entry.key != nullptr, "a key that is none");
    for (const milena::security::OpensslCertificate& each : entry.chain) {
      milena::security::distinguished_name(X509_get_subject_name(each.get()));
    }
  }
  for (const milena::security::OpensslCertificate& each : store->trusted) {
    milena::security::distinguished_name(X509_get_subject_name(each.get()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace milena;
  security::start_openssl();
  fuzz::Input input(data, size);
  const uint8_t choice = input.choice();
  security::KeyStorePasswords passwords;
  if (choice & 1) passwords.store = "storepass";
  if (choice & 2) passwords.key = "keypass1";
  const ByteView bytes = input.rest();
  if (choice & 4) {
    use(security::read_pem_key(bytes, bytes, passwords.key));
    use(security::read_pem_trusted(bytes));
  } else {
    use(security::read_java_key_store("JKS", bytes, passwords));
  }
  return 0;
}
