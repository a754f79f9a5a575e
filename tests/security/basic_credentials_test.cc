#include "security/basic_credentials.h"

#include <gtest/gtest.h>

namespace milena::security {
namespace {

TEST(BasicCredentials, AreReadAndWritten) {
  // The examples of RFC 7617.
  auto aladdin = parse_basic_credentials("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  ASSERT_TRUE(aladdin);
  EXPECT_EQ(aladdin->user, "Aladdin");
  EXPECT_EQ(aladdin->password, "open sesame");
  EXPECT_EQ(parse_basic_credentials("bAsIc   dGVzdDoxMjPCow== ")->password, "123\xc2\xa3");
  EXPECT_EQ(basic_authorization("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  auto colons = parse_basic_credentials(basic_authorization("a", ":b:"));
  EXPECT_EQ(colons->user, "a");
  EXPECT_EQ(colons->password, ":b:");
  EXPECT_EQ(parse_basic_credentials(basic_authorization("a", ""))->password, "");
}

TEST(BasicCredentials, OtherTextIsNone) {
  for (const Bytes& text :
       {Bytes(), Bytes("Basic"), Bytes("Basic "), Bytes("Basicx QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        Bytes("Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), Bytes("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ"),
        Bytes("Basic QWxh ZGRpbjpvcGVuIHNlc2FtZQ=="), Bytes("Basic !WxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        Bytes("Basic QWxhZGRpbg=="), basic_authorization("", "password"), basic_authorization("a\n", "b"),
        basic_authorization("a", Bytes("b\0c", 3)), basic_authorization("a", "\x7f")}) {
    EXPECT_FALSE(parse_basic_credentials(text)) << text;
  }
}

}  // namespace
}  // namespace milena::security
