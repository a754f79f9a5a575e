// Key stores: any bytes read as JKS, PKCS12 and PEM, with and without passwords. What is read can be used.
#include "fuzz_input.h"
#include "security/distinguished_name.h"
#include "security/key_store.h"

namespace {

void use(const milena::Result<milena::KeyStore>& store) {
  if (!store.ok()) {
    CHECK(!store.error().message.empty(), "an error without words");
    return;
  }
  for (const milena::KeyEntry& entry : store->keys) {
    CHECK(entry.key != nullptr, "a key that is none");
    for (const milena::OpensslCertificate& each : entry.chain) {
      milena::distinguished_name(X509_get_subject_name(each.get()));
    }
  }
  for (const milena::OpensslCertificate& each : store->trusted) {
    milena::distinguished_name(X509_get_subject_name(each.get()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace milena;
  start_openssl();
  fuzz::Input input(data, size);
  const uint8_t choice = input.choice();
  KeyStorePasswords passwords;
  if (choice & 1) passwords.store = "storepass";
  if (choice & 2) passwords.key = "keypass1";
  const ByteView bytes = input.rest();
  if (choice & 4) {
    use(read_pem_key(bytes, bytes, passwords.key));
    use(read_pem_trusted(bytes));
  } else {
    use(read_java_key_store("JKS", bytes, passwords));
  }
  return 0;
}
