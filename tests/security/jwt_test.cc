#include "security/jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "security/jwt_maker.h"
#include "security/sasl_oauthbearer.h"

namespace milena::security {
namespace {

using security_test::TestKey;
using testing::HasSubstr;

constexpr int64_t kNow_s = 1'700'000'000;

std::string claims_with(const std::string& more) {
  return "{\"sub\":\"alice\",\"iat\":1699999000,\"exp\":1700003600" + more + "}";
}

class JwtTest : public testing::Test {
 protected:
  JwtTest() { use({&rsa_}); }

  void use(std::vector<const TestKey*> keys) {
    std::string text;
    for (const TestKey* key : keys) text += (text.empty() ? "" : ",") + key->jwk();
    auto parsed = parse_jwks("{\"keys\":[" + text + "]}");
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    jwks_ = parsed.take();
  }
  JwtVerdict verify(const std::string& token) { return verify_jwt(token, *jwks_, rules_, kNow_s * 1000 + 500); }
  // The reason for refusing claims; empty for valid ones.
  std::string refusal(const std::string& claims) {
    JwtVerdict verdict = verify(rsa_.sign("RS256", claims));
    return verdict.claims ? "" : verdict.refusal.reason;
  }

  // Creating keys takes a while.
  static const TestKey rsa_;
  std::shared_ptr<const Jwks> jwks_;
  JwtRules rules_;
};
const TestKey JwtTest::rsa_ = TestKey::rsa("r1");

TEST_F(JwtTest, EachAlgorithmSigns) {
  const TestKey p256 = TestKey::ec("e1", "P-256"), p384 = TestKey::ec("e2", "P-384"), p521 = TestKey::ec("e3", "P-521");
  const TestKey ed = TestKey::ed25519("o1");
  use({&rsa_, &p256, &p384, &p521, &ed});
  const std::vector<std::pair<const TestKey*, std::string>> all = {
      {&rsa_, "RS256"}, {&rsa_, "RS384"}, {&rsa_, "RS512"}, {&rsa_, "PS256"}, {&rsa_, "PS384"},
      {&rsa_, "PS512"}, {&p256, "ES256"}, {&p384, "ES384"}, {&p521, "ES512"}, {&ed, "EdDSA"}};
  for (const auto& [key, algorithm] : all) {
    const std::string token = key->sign(algorithm, claims_with(""));
    JwtVerdict verdict = verify(token);
    ASSERT_TRUE(verdict.claims) << algorithm << ": " << verdict.refusal.reason;
    EXPECT_EQ(verdict.claims->subject, "alice");
    EXPECT_EQ(verdict.claims->expires_ms, 1'700'003'600'000);
    // Another text, or another signature.
    std::string forged = token;
    const size_t payload = token.find('.') + 1;
    forged.replace(payload, token.rfind('.') - payload, base64url_encode(claims_with(",\"x\":1")));
    EXPECT_FALSE(verify(forged).claims) << algorithm;
    EXPECT_EQ(verify(forged).refusal.reason, "its signature is wrong");
    Bytes signature = *base64url_decode(token.substr(token.rfind('.') + 1));
    signature[signature.size() / 2] = static_cast<char>(signature[signature.size() / 2] ^ 1);
    EXPECT_FALSE(verify(token.substr(0, token.rfind('.') + 1) + base64url_encode(signature)).claims) << algorithm;
  }
}

TEST_F(JwtTest, OnlyAKeyOfTheDocumentCounts) {
  const TestKey same_id = TestKey::rsa("r1"), other = TestKey::rsa("r2");
  EXPECT_EQ(verify(same_id.sign("RS256", claims_with(""))).refusal.reason, "its signature is wrong");
  JwtVerdict verdict = verify(other.sign("RS256", claims_with("")));
  EXPECT_FALSE(verdict.claims);
  EXPECT_EQ(verdict.refusal.unknown_key, "r2");
  // A key with an algorithm is valid for no other.
  jwks_ = parse_jwks("{\"keys\":[" + rsa_.jwk(",\"alg\":\"RS512\"") + "]}").take();
  EXPECT_FALSE(verify(rsa_.sign("RS256", claims_with(""))).claims);
  EXPECT_TRUE(verify(rsa_.sign("RS512", claims_with(""))).claims);
}

TEST_F(JwtTest, NobodyTakesOffTheSignature) {
  const std::string claims = base64url_encode(claims_with(""));
  for (const char* algorithm : {"none", "None", "HS256", "HS512", ""}) {
    const std::string header = base64url_encode("{\"alg\":\"" + std::string(algorithm) + "\",\"kid\":\"r1\"}");
    EXPECT_FALSE(verify(header + "." + claims + ".").claims) << algorithm;
    EXPECT_FALSE(verify(header + "." + claims + ".AAAA").claims) << algorithm;
  }
  EXPECT_FALSE(verify(base64url_encode("{}") + "." + claims + ".AAAA").claims);
  EXPECT_THAT(verify(rsa_.sign("RS256", claims_with(""), ",\"crit\":[\"b64\"]")).refusal.reason, HasSubstr("critical"));
}

TEST_F(JwtTest, Times) {
  EXPECT_THAT(refusal("{\"sub\":\"a\",\"iat\":1}"), HasSubstr("expiration"));
  EXPECT_THAT(refusal("{\"sub\":\"a\",\"exp\":1700003600}"), HasSubstr("issue"));
  EXPECT_THAT(refusal("{\"sub\":\"a\",\"iat\":1,\"exp\":\"1700003600\"}"), HasSubstr("expiration"));
  // Half a minute of clock skew is accepted.
  EXPECT_EQ(refusal("{\"sub\":\"a\",\"iat\":1,\"exp\":1699999971}"), "");
  EXPECT_EQ(refusal("{\"sub\":\"a\",\"iat\":1,\"exp\":1699999970}"), "it has expired");
  EXPECT_EQ(refusal(claims_with(",\"nbf\":1700000030")), "");
  EXPECT_THAT(refusal(claims_with(",\"nbf\":1700000031")), HasSubstr("not valid yet"));
  EXPECT_THAT(refusal("{\"sub\":\"a\",\"iat\":1800000000,\"exp\":1700003600}"), HasSubstr("before it was issued"));
  EXPECT_EQ(refusal("{\"sub\":\"a\",\"iat\":1,\"exp\":9223372036854775807}"), "");
  EXPECT_EQ(refusal("{\"sub\":\"a\",\"iat\":1.5,\"exp\":1700003600.25}"), "");
  rules_.clock_skew_s = INT32_MAX;
  EXPECT_EQ(refusal("{\"sub\":\"a\",\"iat\":1,\"exp\":2}"), "");
}

TEST_F(JwtTest, AudienceAndIssuer) {
  EXPECT_EQ(refusal(claims_with("")), "");
  EXPECT_THAT(refusal(claims_with(",\"aud\":\"kafka\"")), HasSubstr("audience"));  // as in Kafka: none is expected
  rules_.expected_audience = {"kafka", "other"};
  EXPECT_THAT(refusal(claims_with("")), HasSubstr("no audience"));
  EXPECT_EQ(refusal(claims_with(",\"aud\":\"kafka\"")), "");
  EXPECT_EQ(refusal(claims_with(",\"aud\":[\"x\",\"other\"]")), "");
  EXPECT_THAT(refusal(claims_with(",\"aud\":[\"x\",7]")), HasSubstr("audience"));
  rules_.expected_audience.clear();
  rules_.expected_issuer = "https://issuer";
  EXPECT_EQ(refusal(claims_with(",\"iss\":\"https://issuer\"")), "");
  EXPECT_THAT(refusal(claims_with(",\"iss\":\"https://other\"")), HasSubstr("issuer"));
  EXPECT_THAT(refusal(claims_with("")), HasSubstr("issuer"));
}

TEST_F(JwtTest, SubjectAndScopes) {
  EXPECT_THAT(refusal("{\"iat\":1,\"exp\":1700003600}"), HasSubstr("subject"));
  EXPECT_THAT(refusal("{\"sub\":\" \",\"iat\":1,\"exp\":1700003600}"), HasSubstr("subject"));
  EXPECT_THAT(refusal("{\"sub\":7,\"iat\":1,\"exp\":1700003600}"), HasSubstr("subject"));
  EXPECT_EQ(refusal(claims_with(",\"scope\":\"a b\"")), "");
  EXPECT_EQ(refusal(claims_with(",\"scope\":[\"a\",\"b\"]")), "");
  EXPECT_THAT(refusal(claims_with(",\"scope\":[\"a\",\"a\"]")), HasSubstr("duplicate scope"));
  EXPECT_THAT(refusal(claims_with(",\"scope\":[\"\"]")), HasSubstr("scope"));
  rules_.subject_claim = "client_id";
  rules_.scope_claim = "scp";
  JwtVerdict verdict = verify(rsa_.sign("RS256", claims_with(",\"client_id\":\" app \",\"scp\":[\"x\"]")));
  ASSERT_TRUE(verdict.claims);
  EXPECT_EQ(verdict.claims->subject, "app");
  EXPECT_THAT(verdict.claims->scopes, testing::ElementsAre("x"));
}

TEST_F(JwtTest, OddTokensAreRefused) {
  const std::string token = rsa_.sign("RS256", claims_with(""));
  EXPECT_TRUE(verify(" " + token + "\n").claims);
  for (const std::string& odd :
       {std::string(), std::string("."), std::string(".."), std::string("a.b.c"), token + ".x", token + "!",
        std::string(300'000, 'a'), std::string(1000, '.'), token.substr(0, token.rfind('.'))}) {
    EXPECT_FALSE(verify(odd).claims) << odd.substr(0, 20);
  }
  EXPECT_FALSE(verify(rsa_.sign("RS256", "[]")).claims);
  EXPECT_FALSE(verify(rsa_.sign("RS256", std::string(100'000, '['))).claims);
  EXPECT_FALSE(verify(rsa_.sign("RS256", "{\"sub\":\"\xff\"}")).claims);
}

TEST(JwksTest, WhatIsNoKeyIsLeftOut) {
  const TestKey good = TestKey::rsa("good"), weak = TestKey::rsa("weak", 1024);
  auto keys_in = [](const std::string& keys) { return parse_jwks("{\"keys\":[" + keys + "]}"); };
  EXPECT_FALSE(keys_in(weak.jwk()).ok());
  EXPECT_FALSE(keys_in(good.jwk(",\"use\":\"enc\"")).ok());
  EXPECT_FALSE(keys_in("{\"kty\":\"oct\",\"k\":\"AAAA\"}").ok());
  EXPECT_FALSE(keys_in("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}").ok());
  EXPECT_FALSE(keys_in("7, [], null, {\"kty\":7}").ok());
  EXPECT_FALSE(parse_jwks("").ok());
  EXPECT_FALSE(parse_jwks("[]").ok());
  EXPECT_FALSE(parse_jwks("{}").ok());
  auto some = keys_in(weak.jwk() + ",7," + good.jwk(",\"use\":\"sig\""));
  ASSERT_TRUE(some.ok());
  EXPECT_EQ((*some)->keys.size(), 1u);
}

TEST(UnsecuredJwtTest, ItIsReadByItsOwnRules) {
  auto token = [](const std::string& header, const std::string& claims) {
    return base64url_encode(header) + "." + base64url_encode(claims) + ".";
  };
  UnsecuredJwtRules rules;
  auto read = [&](const std::string& claims) {
    return read_unsecured_jwt(token("{\"alg\":\"none\"}", claims), rules, kNow_s * 1000);
  };
  EXPECT_EQ(read(claims_with("")).claims->subject, "alice");
  EXPECT_FALSE(read("{\"sub\":\"a\",\"exp\":1700000000}").claims);
  EXPECT_FALSE(read("{\"sub\":\"a\"}").claims);
  EXPECT_FALSE(read("{\"exp\":1700003600}").claims);
  EXPECT_FALSE(read_unsecured_jwt(token("{\"alg\":\"RS256\"}", claims_with("")), rules, 0).claims);
  rules.required_scope = {"produce"};
  EXPECT_FALSE(read(claims_with("")).claims);
  EXPECT_TRUE(read(claims_with(",\"scope\":\"x produce\"")).claims);
  EXPECT_TRUE(read(claims_with(",\"scope\":[\"produce\"]")).claims);
}

class OAuthBearerTest : public testing::Test {
 protected:
  SaslStep step(const std::string& message) {
    server_ = make_oauthbearer_server([this](ByteView token) -> JwtVerdict {
      seen_ = token;
      if (token != "good") return {std::nullopt, {"it is bad", std::nullopt}};
      return {JwtClaims{"alice", {}, 5000}, {}};
    });
    return server_->step(message);
  }
  std::unique_ptr<SaslServer> server_;
  std::string seen_;
};

TEST_F(OAuthBearerTest, TheTokenIsTheClient) {
  EXPECT_EQ(step("n,,\x01" "auth=Bearer good\x01\x01").kind, SaslStep::kDone);
  EXPECT_EQ(server_->identity().principal.name, "alice");
  EXPECT_EQ(server_->identity().expires_ms, 5000);
  EXPECT_EQ(step("n,a=alice,\x01" "ext=1\x01" "auth=bearer   good\x01" "more=2\x01\x01").kind, SaslStep::kDone);
  EXPECT_THAT(step("n,a=bob,\x01" "auth=Bearer good\x01\x01").message, HasSubstr("authorization id (bob)"));
}

TEST_F(OAuthBearerTest, AFailureIsToldTwice) {
  SaslStep first = step("n,,\x01" "auth=Bearer bad\x01\x01");
  EXPECT_EQ(first.kind, SaslStep::kContinue);
  EXPECT_EQ(first.answer, "{\"status\":\"invalid_token\"}");
  SaslStep second = server_->step("\x01");
  EXPECT_EQ(second.kind, SaslStep::kRefused);
  EXPECT_EQ(second.message, first.answer);
  EXPECT_THAT(second.reason, HasSubstr("it is bad"));
  step("n,,\x01" "auth=Bearer bad\x01\x01");
  EXPECT_EQ(server_->step("n,,\x01" "auth=Bearer good\x01\x01").kind, SaslStep::kRefused);
}

TEST_F(OAuthBearerTest, OddMessages) {
  for (const std::string& odd :
       {std::string(), std::string("\x01"), std::string("n,,"), std::string("n,,\x01"), std::string("n,,\x01\x01"),
        std::string("n,,\x01" "auth=Basic good\x01\x01"), std::string("n,,\x01" "auth=Bearer \x01\x01"),
        std::string("n,,\x01" "auth=Bearer\x01\x01"), std::string("y,,\x01" "auth=Bearer good\x01\x01"),
        std::string("n,,auth=Bearer good\x01\x01"), std::string("n,,\x01" "auth=Bearer good\x01"),
        std::string("n,,\x01" "a1=b\x01\x01"), std::string("n,,\x01" "auth=Bearer g d\x01\x01")}) {
    EXPECT_EQ(step(odd).kind, SaslStep::kRefused) << odd;
    EXPECT_EQ(seen_, "");
  }
}

}  // namespace
}  // namespace milena::security
