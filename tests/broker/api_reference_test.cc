#include "broker/api_reference.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "broker/api_registry.h"
#include "protocol/api_key.h"

namespace milena::broker {
namespace {

TEST(ApiReference, TheTableInReadmeIsTheOneOfTheHandlers) {
  auto readme = posix_file_system().read_file(MILENA_GOLDEN_DIR "/../../README.md");
  ASSERT_TRUE(readme.ok()) << readme.error().message;
  const size_t begin = readme->find(kApiTableBegins);
  const size_t end = readme->find(kApiTableEnds);
  ASSERT_NE(begin, Bytes::npos);
  ASSERT_NE(end, Bytes::npos);
  const size_t table = begin + sizeof kApiTableBegins - 1;
  EXPECT_TRUE(readme->substr(table, end - table) == api_reference()) << "write it anew: script/reference";
}

TEST(ApiReference, ThePermissionsInDocsAreThoseOfTheHandlers) {
  auto page = posix_file_system().read_file(MILENA_GOLDEN_DIR "/../../docs/permissions.md");
  ASSERT_TRUE(page.ok()) << page.error().message;
  EXPECT_TRUE(*page == permission_reference()) << "write it anew: script/reference";
}

// Each request is supported in all versions from the oldest of Kafka 3.9 to the newest of 4.3.
TEST(ApiReference, HandlersTakeEveryVersion) {
  for (const ApiEntry& api : api_registry()) {
    const ApiInfo* info = find_api(api.key);
    EXPECT_EQ(api.min_version, info->min_version) << info->name;
    EXPECT_EQ(api.max_version, info->max_version) << info->name;
    EXPECT_TRUE(is_offered(api, false) || is_offered(api, true)) << info->name;
  }
}

}  // namespace
}  // namespace milena::broker
