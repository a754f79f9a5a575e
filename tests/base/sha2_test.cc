#include "base/sha2.h"

#include <gtest/gtest.h>

#include <string>

namespace milena {
namespace {

std::string hex(const Bytes& bytes) {
  std::string text;
  for (const char c : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    text += "0123456789abcdef"[c & 15];
  }
  return text;
}

// The examples of FIPS 180-4 and RFC 4231.
TEST(Sha2, KnownDigests) {
  EXPECT_EQ(hex(sha2_digest(Sha2::k256, "")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha2_digest(Sha2::k256, "abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha2_digest(Sha2::k256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(sha2_digest(Sha2::k512, "abc")),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(hex(sha2_digest(Sha2::k512, "")),
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
            "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
  EXPECT_EQ(hex(sha2_digest(Sha2::k256, Bytes(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Around the end of a block, where the length no longer fits behind the data.
TEST(Sha2, TheEndOfABlock) {
  const auto start_of = [](Sha2 kind, size_t size) { return hex(sha2_digest(kind, Bytes(size, 'x'))).substr(0, 16); };
  EXPECT_EQ(start_of(Sha2::k256, 55), "d5e285683cd4efc0");
  EXPECT_EQ(start_of(Sha2::k256, 56), "04c26261370ee754");
  EXPECT_EQ(start_of(Sha2::k256, 63), "75220b47218278e6");
  EXPECT_EQ(start_of(Sha2::k256, 64), "7ce100971f64e700");
  EXPECT_EQ(start_of(Sha2::k512, 111), "9a2a120825c23198");
  EXPECT_EQ(start_of(Sha2::k512, 112), "a3722b515ef40c91");
  EXPECT_EQ(start_of(Sha2::k512, 127), "1d5a8893e7b7ed83");
  EXPECT_EQ(start_of(Sha2::k512, 128), "e2e22f8422b54b06");
}

TEST(Sha2, Hmac) {
  EXPECT_EQ(hex(sha2_hmac(Sha2::k256, "Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(sha2_hmac(Sha2::k512, "Jefe", "what do ya want for nothing?")),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
  // A key longer than a block is hashed first.
  EXPECT_EQ(hex(sha2_hmac(Sha2::k256, Bytes(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace
}  // namespace milena
