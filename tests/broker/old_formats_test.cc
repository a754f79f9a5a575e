// A topic with a directory of an older Kafka: messages of magic 0 and 1 for clients of all versions.
#include <filesystem>
#include <fstream>

#include "broker/node_fixture.h"
#include "protocol/records/legacy_messages.h"

namespace milena::broker::broker_test {
namespace {

BROKER_TESTS(OldFormatsTest);

TEST_P(OldFormatsTest, AreFetchedAsTheVersionNeedsThem) {
  create_topic("t");
  produce("t", 0, {"to be replaced"});
  client_gone();
  for (int8_t magic : {int8_t{0}, int8_t{1}}) {
    node().stop();
    const std::string directory = node().directory() + "/data/t-0/";
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      if (entry.path().filename() != "partition.metadata") std::filesystem::remove(entry.path());
    }
    std::filesystem::copy_file(fmt::format("{}/records/v{}_none.bin", MILENA_GOLDEN_DIR, magic),
                               directory + "00000000000000000000.log");
    start();
    EXPECT_EQ(list_offset("t", 0, -1).offset, 4);
    const auto magic_at = [&](int16_t version, int64_t offset) {
      FetchOut out = only_partition(client().ask<FetchResponse>(fetch_request("t", 0, offset), version));
      EXPECT_EQ(out.error_code, ErrorCode::kNone);
      Bytes bytes = out.records->flatten().take();
      auto message = LegacyMessage::parse(next_log_entry(bytes).take());
      EXPECT_TRUE(message.ok() && message->crc_ok() && message->offset == offset);
      return message->magic;
    };
    for (int64_t offset : {0, 2}) {
      EXPECT_EQ(magic_at(1, offset), 0);
      EXPECT_EQ(magic_at(3, offset), magic);
      EXPECT_EQ(magic_at(12, offset), magic);
    }
    EXPECT_EQ(produce("t", 0, {"new"}).base_offset, 4);
    EXPECT_EQ(values_from("t", 0, 4), std::vector<std::string>{"new"});
    client_gone();
  }
}

}  // namespace
}  // namespace milena::broker::broker_test
