// Where commands find the broker over HTTP.
#include "tools/own/http_client.h"

#include <gtest/gtest.h>

namespace milena::tools {
namespace {

TEST(HttpClient, TakesTheAddressOfTheBroker) {
  EXPECT_EQ(http_server("", "")->text(), "127.0.0.1:9644");
  EXPECT_EQ(http_server("", "broker:9092")->text(), "broker:9644");
  EXPECT_EQ(http_server("broker:8080", "other:9092")->text(), "broker:8080");
  auto each = http_servers("", "a:1,b:2,a:3");
  ASSERT_EQ(each->size(), 2u) << "two brokers of one host have one usual port";
  EXPECT_EQ((*each)[1].text(), "b:9644");
  EXPECT_EQ(http_servers("a:1,a:2", "c:9092")->size(), 2u);
  EXPECT_EQ(http_servers("", "")->front().text(), "127.0.0.1:9644");
  EXPECT_FALSE(http_servers("a:1,", "").ok());
  EXPECT_EQ(percent_encoded("a b&c\xff"), "a%20b%26c%FF");
}

}  // namespace
}  // namespace milena::tools
