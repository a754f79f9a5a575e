// Where commands find the broker over HTTP.
#include "tools/own/http_client.h"

#include <gtest/gtest.h>

namespace milena::tools {
namespace {

TEST(HttpClient, TakesTheAddressesThatAreGiven) {
  const HttpClient client = HttpClient::make({}).take();
  EXPECT_EQ(client.server("", "")->text(), "127.0.0.1:9644");
  EXPECT_EQ(client.server("broker:8080", "other:9092")->text(), "broker:8080");
  auto each = client.servers("a:1,https://a:2,a:1", "c:9092");
  ASSERT_EQ(each->size(), 2u);
  EXPECT_EQ((*each)[1].text(), "https://a:2");
  EXPECT_FALSE(client.servers("a:1,", "").ok());
  EXPECT_FALSE(client.servers("", "broker").ok());
  EXPECT_EQ(percent_encoded("a b&c\xff"), "a%20b%26c%FF");
}

}  // namespace
}  // namespace milena::tools
