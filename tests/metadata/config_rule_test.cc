#include "metadata/config_rule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace milena {
namespace {

TEST(ConfigRule, ParsesAsJavaDoes) {
  EXPECT_EQ(parse_config_bool(" TRUE "), true);
  EXPECT_EQ(parse_config_bool("false"), false);
  EXPECT_EQ(parse_config_bool("yes"), std::nullopt);
  EXPECT_EQ(parse_config_bool(""), std::nullopt);

  EXPECT_EQ(parse_config_int(" 5 ", ConfigType::kLong), 5);
  EXPECT_EQ(parse_config_int("+5", ConfigType::kLong), 5);
  EXPECT_EQ(parse_config_int("-9223372036854775808", ConfigType::kLong), INT64_MIN);
  for (const ByteView bad : {"", "x", "0x10", "--5", "+-5", "5.0", "9223372036854775808", "5 5"}) {
    EXPECT_EQ(parse_config_int(bad, ConfigType::kLong), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_config_int("2147483648", ConfigType::kInt), std::nullopt);
  EXPECT_EQ(parse_config_int("2147483647", ConfigType::kInt), 2147483647);
  EXPECT_EQ(parse_config_int("32768", ConfigType::kShort), std::nullopt);

  EXPECT_EQ(parse_config_double("0.5f"), 0.5);
  EXPECT_EQ(parse_config_double(" 1e-1 "), 0.1);
  EXPECT_EQ(parse_config_double(".5"), 0.5);
  EXPECT_EQ(parse_config_double("-2."), -2.0);
  EXPECT_TRUE(std::isinf(*parse_config_double("1e400")));
  EXPECT_EQ(parse_config_double("1e-400"), 0.0);
  EXPECT_TRUE(std::isnan(*parse_config_double("NaN")));
  EXPECT_TRUE(std::isnan(*parse_config_double("-NaN")));
  for (const ByteView bad : {"", ".", "x", "nan", "1,5", "f", "--1"})
    EXPECT_EQ(parse_config_double(bad), std::nullopt) << bad;

  EXPECT_EQ(parse_config_list(" a , b,c"), (std::vector<ByteView>{"a", "b", "c"}));
  EXPECT_EQ(parse_config_list("a,"), (std::vector<ByteView>{"a", ""}));
  EXPECT_TRUE(parse_config_list("  ").empty());
}

TEST(ConfigRule, ShowsParsedValues) {
  const ConfigRule number{.name = "n", .type = ConfigType::kLong};
  const ConfigRule ratio{.name = "r", .type = ConfigType::kDouble};
  const ConfigRule flag{.name = "f", .type = ConfigType::kBoolean};
  const ConfigRule list{.name = "l", .type = ConfigType::kList};
  EXPECT_EQ(canonical_config_value(number, " +5 "), "5");
  EXPECT_EQ(canonical_config_value(number, "x"), "x");
  EXPECT_EQ(canonical_config_value(ratio, "1"), "1.0");
  EXPECT_EQ(canonical_config_value(ratio, "5e-1"), "0.5");
  EXPECT_EQ(canonical_config_value(flag, "TRUE"), "true");
  EXPECT_EQ(canonical_config_value(list, " b , a,b"), "b,a");
  EXPECT_EQ(canonical_config_value(list, " "), "");
}

}  // namespace
}  // namespace milena
