// Frames: any bytes read as the header of a request, and as every message in every version. A message that was read to
// its end can be written again, and reads back equal.
#include "fuzz_input.h"
#include "protocol/message_catalog.h"
#include "protocol/request_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace milena;
  static const std::vector<testing::MessageDescription> messages = testing::all_messages();
  fuzz::Input input(data, size);
  const testing::MessageDescription& message = messages[input.wide_choice() % messages.size()];
  const auto version =
      static_cast<int16_t>(message.min_version + input.choice() % (message.max_version - message.min_version + 1));
  {
    Reader reader(input.rest());
    RequestHeader header;
    header.read(reader);
  }
  const testing::Recoded recoded = message.recode(input.rest(), version);
  if (recoded.read) {
    CHECK(recoded.equal, "{} version {} does not read back", message.name, version);
    // Unknown tagged fields and long varints are not written again, so the bytes may be fewer, never more.
    CHECK(recoded.bytes.size() + recoded.left_over <= input.rest().size(), "{} version {} grew", message.name, version);
  }
  return 0;
}
