// Pages of code that go and come back.
#include "base/start_pages.h"

#include <gtest/gtest.h>

#include <string>

#include "base/process_figures.h"

namespace milena {
namespace {

// Relocated on loading: must not be read from the file again.
const char* const kPointers[] = {"one", "two", "three"};
int counter = 7;

TEST(StartPages, GoAndComeBack) {
  counter++;
  const uint64_t before = read_process_figures().resident_file_bytes;
  forget_pages_of_the_start();
  const uint64_t after = read_process_figures().resident_file_bytes;
  EXPECT_LT(after, before);
  EXPECT_EQ(std::string(kPointers[2]), "three");
  EXPECT_EQ(counter, 8);
  EXPECT_THROW(std::string("short").at(100), std::out_of_range);  // tables of exceptions are read again
}

}  // namespace
}  // namespace milena
