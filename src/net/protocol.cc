#include "net/protocol.h"

#include "net/frame_reader.h"

namespace milena::net {
namespace {

class KafkaProtocol final : public Protocol {
 public:
  std::unique_ptr<Stream> make_stream(EventLoop& loop, int descriptor) const override {
    return make_plain_stream(loop, descriptor);
  }
  std::unique_ptr<RequestReader> make_reader(const ConnectionLimits& limits) const override {
    return std::make_unique<FrameReader>(limits.request_max_bytes, limits.stranger_max_bytes);
  }
};

}  // namespace

std::shared_ptr<const Protocol> kafka_protocol() {
  static const auto protocol = std::make_shared<const KafkaProtocol>();
  return protocol;
}

}  // namespace milena::net
