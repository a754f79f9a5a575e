// schema_echo: Milena's side of the comparison with Kafka's own message classes. Speaks frames on stdin and stdout:
//
//   int16 index of the message in `list`, int16 version, int32 size (-1: could not be read), bytes
//
//   list         the messages: name, first and last version
//   headers      per API and version: the header versions of request and response
//   errors       the error codes: number and name
//   echo         each frame read and written again
//   make N       N random frames of every message and version, each read and written once by our code
//   defaults     one frame of every message and version, with nothing set

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "protocol/api_key.h"
#include "protocol/error_code.h"
#include "protocol/message_random.h"

namespace milena::testing {
namespace {

void put_frame(size_t index, int16_t version, bool good, const Bytes& bytes) {
  Bytes head;
  append_big_endian(head, static_cast<int16_t>(index));
  append_big_endian(head, version);
  append_big_endian(head, good ? static_cast<int32_t>(bytes.size()) : -1);
  std::fwrite(head.data(), 1, head.size(), stdout);
  if (good) std::fwrite(bytes.data(), 1, bytes.size(), stdout);
}

int list(const std::vector<MessageDescription>& messages) {
  for (const auto& message : messages)
    std::printf("%s %d %d\n", message.name, message.min_version, message.max_version);
  return 0;
}

int headers() {
  for (const ApiInfo& api : api_table()) {
    for (int version = api.min_version; version <= api.max_version; ++version) {
      const auto v = static_cast<int16_t>(version);
      std::printf("%d %d %d %d\n", static_cast<int>(api.key), version, request_header_version(api.key, v),
                  response_header_version(api.key, v));
    }
  }
  return 0;
}

int errors() {
  for (int code = -1; error_name(static_cast<ErrorCode>(code)) != "UNKNOWN_ERROR_CODE"; ++code) {
    std::printf("%d %s\n", code, std::string(error_name(static_cast<ErrorCode>(code))).c_str());
  }
  return 0;
}

int echo(const std::vector<MessageDescription>& messages) {
  char head[8];
  while (std::fread(head, 1, sizeof(head), stdin) == sizeof(head)) {
    const auto index = static_cast<size_t>(load_big_endian<int16_t>(head));
    const auto version = load_big_endian<int16_t>(head + 2);
    const auto size = load_big_endian<int32_t>(head + 4);
    if (index >= messages.size() || size < 0) return EXIT_FAILURE;
    Bytes bytes(static_cast<size_t>(size), '\0');
    if (std::fread(bytes.data(), 1, bytes.size(), stdin) != bytes.size()) return EXIT_FAILURE;
    const Recoded recoded = messages[index].recode(bytes, version);
    put_frame(index, version, recoded.read && recoded.left_over == 0 && recoded.equal, recoded.bytes);
  }
  return 0;
}

int make(const std::vector<MessageDescription>& messages, int samples) {
  for (size_t index = 0; index < messages.size(); ++index) {
    for (int version = messages[index].min_version; version <= messages[index].max_version; ++version) {
      const auto v = static_cast<int16_t>(version);
      for (int sample = 0; sample < samples; ++sample) {
        const auto seed = static_cast<uint64_t>(sample) * 7919 + index * 131 + static_cast<uint64_t>(version);
        const MadeMessage made = MessageMaker(seed).make(messages[index], v);
        const Recoded recoded = messages[index].recode(made.bytes, v);
        put_frame(index, v, recoded.read, recoded.bytes);
      }
    }
  }
  return 0;
}

int defaults(const std::vector<MessageDescription>& messages) {
  for (size_t index = 0; index < messages.size(); ++index) {
    for (int version = messages[index].min_version; version <= messages[index].max_version; ++version) {
      const auto v = static_cast<int16_t>(version);
      put_frame(index, v, true, messages[index].write_default(v));
    }
  }
  return 0;
}

int run(int argc, char** argv) {
  const std::vector<MessageDescription> messages = all_messages();
  const ByteView command = argc > 1 ? argv[1] : "";
  if (command == "list") return list(messages);
  if (command == "headers") return headers();
  if (command == "errors") return errors();
  if (command == "echo") return echo(messages);
  if (command == "make") return make(messages, argc > 2 ? std::atoi(argv[2]) : 10);
  if (command == "defaults") return defaults(messages);
  std::fputs("usage: schema_echo list|headers|errors|echo|make N|defaults\n", stderr);
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace milena::testing

int main(int argc, char** argv) { return milena::testing::run(argc, argv); }
