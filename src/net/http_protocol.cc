#include "net/http_protocol.h"

#include <cstring>

namespace milena::net {
namespace {

class HttpProtocol final : public Protocol {
 public:
  std::unique_ptr<Stream> make_stream(EventLoop& loop, int descriptor) const override {
    return make_plain_stream(loop, descriptor);
  }
  std::unique_ptr<RequestReader> make_reader(const ConnectionLimits&) const override {
    return std::make_unique<HttpReader>(http::HttpLimits());
  }
};

broker::Frame frame_of(ByteView bytes) {
  auto buffer = std::make_shared_for_overwrite<char[]>(bytes.size());
  std::memcpy(buffer.get(), bytes.data(), bytes.size());
  ByteView view(buffer.get(), bytes.size());
  return {std::move(buffer), view};
}

}  // namespace

void HttpReader::begin() {
  parser_.reset();
  Bytes().swap(bytes_);  // an assignment would keep the memory
}

int HttpReader::prepare(iovec parts[2], char* scratch, size_t scratch_bytes) {
  parts[0] = {scratch, scratch_bytes};
  return 1;
}

Status HttpReader::commit(size_t count, const char* scratch, std::deque<broker::Frame>& requests) {
  ByteView rest(scratch, count);
  while (!rest.empty() && !ended_) {
    if (parser_ == nullptr) parser_ = std::make_unique<http::HttpParser>(limits_);
    const size_t taken = parser_->feed(rest);
    ended_ = parser_->state() == http::HttpParser::State::kRefused || bytes_.size() + taken > limits_.wire_bytes();
    // For a refused request the next parser must find the reason again.
    const ByteView part = rest.substr(0, ended_ ? rest.size() : taken);
    rest.remove_prefix(part.size());
    bytes_ += part;
    if (!ended_ && parser_->state() != http::HttpParser::State::kComplete) continue;
    requests.push_back(frame_of(bytes_));
    begin();
  }
  return ok_status();
}

std::shared_ptr<const Protocol> http_protocol() {
  static const auto protocol = std::make_shared<const HttpProtocol>();
  return protocol;
}

}  // namespace milena::net
