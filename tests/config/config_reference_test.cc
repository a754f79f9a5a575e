#include "config/config_reference.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace milena::config {
namespace {

TEST(ConfigReference, ThePageInDocsIsTheOneOfTheTable) {
  auto page = posix_file_system().read_file(MILENA_GOLDEN_DIR "/../../docs/configuration.md");
  ASSERT_TRUE(page.ok()) << page.error().message;
  EXPECT_TRUE(*page == config_reference()) << "write it anew: milena --config-reference >docs/configuration.md";
}

}  // namespace
}  // namespace milena::config
