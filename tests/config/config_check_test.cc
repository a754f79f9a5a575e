// Parsing and checking of config values, with the messages of Kafka 4.3.1.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "config/config_def.h"
#include "config/config_values.h"

namespace milena::config {
namespace {

ConfigDef row(ConfigType type, const char* valid = "") {
  return {"x", type, nullptr, valid, ConfigScope::kClusterWide, 0, ""};
}

TEST(ConfigValues, ParseAsJavaDoes) {
  EXPECT_EQ(parse_boolean(" TRUE "), true);
  EXPECT_EQ(parse_boolean("false"), false);
  EXPECT_EQ(parse_boolean("yes"), std::nullopt);
  EXPECT_EQ(parse_boolean(""), std::nullopt);

  EXPECT_EQ(parse_integer(" 5 "), 5);
  EXPECT_EQ(parse_integer("+5"), 5);
  EXPECT_EQ(parse_integer("-9223372036854775808"), INT64_MIN);
  for (ByteView bad : {"", " ", "+", "-", "+-5", "5 5", "0x10", "5L", "9223372036854775808"}) {
    EXPECT_EQ(parse_integer(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_integer_of(ConfigType::kInt, "2147483648"), std::nullopt);
  EXPECT_EQ(parse_integer_of(ConfigType::kInt, "2147483647"), 2147483647);
  EXPECT_EQ(parse_integer_of(ConfigType::kShort, "32768"), std::nullopt);

  EXPECT_EQ(parse_double("0.5f"), 0.5);
  EXPECT_EQ(parse_double(" 1e-1 "), 0.1);
  EXPECT_EQ(parse_double(".5"), 0.5);
  EXPECT_EQ(parse_double("-2."), -2.0);
  EXPECT_TRUE(std::isinf(*parse_double("1e400")));
  EXPECT_EQ(parse_double("1e-400"), 0.0);
  EXPECT_TRUE(std::isnan(*parse_double("NaN")));
  for (ByteView bad : {"", "x", "nan", "inf", "1e", "0x1", "--1", "f"})
    EXPECT_EQ(parse_double(bad), std::nullopt) << bad;

  EXPECT_EQ(split_list(" a , b,c"), (std::vector<ByteView>{"a", "b", "c"}));
  EXPECT_EQ(split_list("a,"), (std::vector<ByteView>{"a", ""}));
  EXPECT_TRUE(split_list("  ").empty());
}

TEST(ConfigValues, DoublesLookAsJavas) {
  EXPECT_EQ(double_text(0.5), "0.5");
  EXPECT_EQ(double_text(1), "1.0");
  EXPECT_EQ(double_text(0), "0.0");
  EXPECT_EQ(double_text(1234567), "1234567.0");
  EXPECT_EQ(double_text(1e7), "1.0E7");
  EXPECT_EQ(double_text(0.00015), "1.5E-4");
  EXPECT_EQ(double_text(-123456789.125), "-1.23456789125E8");
  EXPECT_EQ(double_text(1.0 / 3 * 1e9), "3.333333333333333E8");
  EXPECT_EQ(double_text(std::numeric_limits<double>::max()), "1.7976931348623157E308");
}

TEST(ConfigCheck, ShowsParsedValues) {
  EXPECT_EQ(canonical_config_value(row(ConfigType::kLong), " +5 "), "5");
  EXPECT_EQ(canonical_config_value(row(ConfigType::kLong), "x"), "x");
  EXPECT_EQ(canonical_config_value(row(ConfigType::kDouble), "1"), "1.0");
  EXPECT_EQ(canonical_config_value(row(ConfigType::kDouble), "5e-1"), "0.5");
  EXPECT_EQ(canonical_config_value(row(ConfigType::kBoolean), "TRUE"), "true");
  EXPECT_EQ(canonical_config_value(row(ConfigType::kList), " b , a,b"), "b,a");
  EXPECT_EQ(canonical_config_value(row(ConfigType::kList), " "), "");
}

TEST(ConfigCheck, ComplainsInKafkasWords) {
  auto complaint = [](ConfigType type, const char* valid, ByteView text) {
    return config_complaint(row(type, valid), text).value_or("");
  };
  EXPECT_EQ(complaint(ConfigType::kLong, "[1,...]", "5"), "");
  EXPECT_EQ(complaint(ConfigType::kLong, "[1,...]", "x"),
            "Invalid value x for configuration x: Not a number of type LONG");
  EXPECT_EQ(complaint(ConfigType::kInt, "[1,...,9]", " 0 "),
            "Invalid value 0 for configuration x: Value must be at least 1");
  EXPECT_EQ(complaint(ConfigType::kDouble, "[0,...,1]", "1.5"),
            "Invalid value 1.5 for configuration x: Value must be no more than 1");
  EXPECT_EQ(complaint(ConfigType::kInt, "[1,...,9] or -1", "0"),
            "Invalid value 0 for configuration x: Value must be between 1 and 9 or equal to -1");
  EXPECT_EQ(complaint(ConfigType::kInt, "[1,...,9] or -1", "-1"), "");
  EXPECT_EQ(complaint(ConfigType::kBoolean, "", "maybe"),
            "Invalid value maybe for configuration x: Expected value to be either true or false");
  EXPECT_EQ(complaint(ConfigType::kString, "{a, b}", "B"),
            "Invalid value B for configuration x: String must be one of: a, b");
  EXPECT_EQ(complaint(ConfigType::kString, "{a, b} any case", "B"), "");
  EXPECT_EQ(complaint(ConfigType::kList, "{a, b}", "a,c"),
            "Invalid value c for configuration x: String must be one of: a, b");
  EXPECT_EQ(complaint(ConfigType::kList, "{a, b}", "a,"), "Configuration 'x' values must not be empty.");
  EXPECT_EQ(complaint(ConfigType::kList, "items", "a,,c"), "Configuration 'x' values must not be empty.");
  EXPECT_EQ(complaint(ConfigType::kList, "", "a,,c"), "");
}

TEST(ConfigCheck, OffsetResetsAreWordsOrDurations) {
  const ConfigDef def = row(ConfigType::kString, "offset-reset");
  for (ByteView good : {"latest", "earliest", "by_duration:PT1H", "by_duration:P1DT2H3M4.5S", "by_duration:P3D"}) {
    EXPECT_FALSE(config_complaint(def, good)) << good;
  }
  for (ByteView bad : {"", "LATEST", "by_duration:", "by_duration:-PT1H", "by_duration:x", "by_duration:PT",
                       "by_duration:P", "by_duration:PT1M1H", "by_duration:PT1.5H", "by_duration:P1"}) {
    EXPECT_TRUE(config_complaint(def, bad)) << bad;
  }
}

}  // namespace
}  // namespace milena::config
