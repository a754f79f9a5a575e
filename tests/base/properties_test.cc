#include "base/properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace milena {
namespace {

using ::testing::ElementsAre;

std::vector<std::pair<Bytes, Bytes>> pairs(const std::vector<Property>& properties) {
  std::vector<std::pair<Bytes, Bytes>> all;
  for (const Property& property : properties) all.emplace_back(property.key, property.value);
  return all;
}

TEST(Properties, AreReadAsJavaReadsThem) {
  auto properties = parse_properties(
      "# a comment\r\n! another\n\n  a=1\nb = two words \nc:3\nd 4\ne\nf==\n"
      "long=one,\\\n    two,\\\n\tthree\nkey\\ with\\:signs = v\\=\\tx\\u00e4\\ud83d\\ude00\\q\ncr=1\rlast=\\\\\n"
      "no\\\\\nend=\\");
  ASSERT_TRUE(properties.ok()) << properties.error().message;
  EXPECT_THAT(pairs(*properties),
              ElementsAre(std::pair("a", "1"), std::pair("b", "two words "), std::pair("c", "3"), std::pair("d", "4"),
                          std::pair("e", ""), std::pair("f", "="), std::pair("long", "one,two,three"),
                          std::pair("key with:signs", "v=\tx\xc3\xa4\xf0\x9f\x98\x80q"), std::pair("cr", "1"),
                          std::pair("last", "\\"), std::pair("no\\", ""), std::pair("end", "")));
  EXPECT_EQ(properties.value()[0].line, 4);
  EXPECT_FALSE(parse_properties("a=\\u12x4").ok());
  EXPECT_FALSE(parse_properties("a=\\u12").ok());
}

TEST(Properties, TheLastOfAKeyWins) {
  const auto properties = parse_properties("a=1\nb=2\na=3\n");
  ASSERT_TRUE(properties.ok());
  EXPECT_EQ(*find_property(*properties, "a"), "3");
  EXPECT_EQ(find_property(*properties, "c"), nullptr);
}

}  // namespace
}  // namespace milena
