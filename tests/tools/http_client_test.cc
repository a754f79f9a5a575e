// Where commands find the broker over HTTP.
#include "tools/own/http_client.h"

#include <gtest/gtest.h>

namespace milena::tools {
namespace {

TEST(HttpClient, TakesTheAddressOfTheBroker) {
  EXPECT_EQ(http_address("", "")->text(), "127.0.0.1:9644");
  EXPECT_EQ(http_address("", "broker:9092")->text(), "broker:9644");
  EXPECT_EQ(http_address("broker:8080", "other:9092")->text(), "broker:8080");
  EXPECT_EQ(percent_encoded("a b&c\xff"), "a%20b%26c%FF");
}

}  // namespace
}  // namespace milena::tools
