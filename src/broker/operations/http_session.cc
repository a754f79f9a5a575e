#include "broker/operations/http_session.h"

#include <fmt/core.h>

#include <utility>

#include "base/out_of_memory.h"

namespace milena::broker {

// Also kept by pending answers.
struct HttpSession::State : std::enable_shared_from_this<State> {
  State(const http::HttpRouter& its_router, Executor& its_executor, int its_shard, std::shared_ptr<HttpGate> its_gate,
        Transport& its_transport)
      : router(its_router),
        executor(its_executor),
        shard(its_shard),
        gate(std::move(its_gate)),
        transport(&its_transport) {}

  void admit(http::HttpRequest request);
  void serve(http::HttpRequest request);

  // Restarts the timeout.
  void watch() {
    if (timer != 0) executor.cancel(timer);
    timer = executor.call_after(kPatience_ms, [weak = weak_from_this()] {
      auto self = weak.lock();
      if (self == nullptr || self->transport == nullptr) return;
      self->timer = 0;
      self->transport->close({});
    });
  }

  // The reason is for the log, if the connection ends for one.
  void answer(http::HttpResponse response, bool with_body, bool keep_alive, std::string reason = {}) {
    if (transport == nullptr) return;
    transport->send(http::write_http_response(std::move(response), with_body, keep_alive));
    if (!keep_alive) return transport->close(std::move(reason));
    watch();
  }

  // A stream has no timeout.
  void begin_stream(const Bytes& content_type, Task gone) {
    if (timer != 0) executor.cancel(std::exchange(timer, 0));
    if (transport == nullptr) return executor.post(std::move(gone));
    when_gone = std::move(gone);
    transport->send_part(Payload(fmt::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\nCache-Control: no-store\r\n"
                                             "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
                                             content_type)));
  }
  bool send_chunk(const Bytes& part) {
    if (transport == nullptr || transport->unsent_bytes() > kMaxUnsent) return false;
    if (!part.empty()) transport->send_part(Payload(fmt::format("{:x}\r\n{}\r\n", part.size(), part)));
    return true;
  }
  void end_stream() {
    when_gone = nullptr;
    if (transport == nullptr) return;
    transport->send(Payload(Bytes("0\r\n\r\n")));
    transport->close({});
  }

  // The most unsent bytes of a stream to a slow reader.
  static constexpr uint64_t kMaxUnsent = 256 * 1024;

  const http::HttpRouter& router;
  Executor& executor;
  const int shard;
  const std::shared_ptr<HttpGate> gate;  // null: every request is served
  Transport* transport;  // null once the connection is gone
  TimerId timer = 0;
  Task when_gone;  // for the current stream
};

namespace {

// A stream of the session; keeps the session's state.
template <class State>
class ChunkedStream final : public http::HttpStream {
 public:
  explicit ChunkedStream(std::shared_ptr<State> state) : state_(std::move(state)) {}
  bool send(Bytes part) override { return state_->send_chunk(part); }
  void end() override { state_->end_stream(); }

 private:
  const std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<Session> HttpSession::open(const http::HttpRouter& router, Executor& executor, int shard,
                                           std::shared_ptr<HttpGate> gate, Transport& transport) {
  auto state = std::make_shared<State>(router, executor, shard, std::move(gate), transport);
  state->watch();
  return std::unique_ptr<Session>(new HttpSession(std::move(state)));
}

HttpSession::~HttpSession() = default;

void HttpSession::on_request(Frame frame) {
  CHECK(state_->executor.is_current());
  http::HttpParser parser;
  parser.feed(frame.bytes);
  if (parser.state() != http::HttpParser::State::kComplete) return state_->answer(parser.refusal(), true, false);
  state_->watch();
  if (!fits_into_memory([&] { state_->admit(parser.take_request()); })) {
    state_->transport->close("not enough memory for a request over HTTP");
  }
}

void HttpSession::State::admit(http::HttpRequest request) {
  if (gate == nullptr) return serve(std::move(request));
  auto waiting = std::make_shared<http::HttpRequest>(std::move(request));
  gate->admit(*waiting, [self = shared_from_this(), waiting](std::optional<HttpGate::Refusal> refusal) {
    if (self->transport == nullptr) return;
    if (!refusal) return self->serve(std::move(*waiting));
    const bool keep_alive = waiting->keep_alive && refusal->reason.empty();
    self->answer(std::move(refusal->response), waiting->method != "HEAD", keep_alive, std::move(refusal->reason));
  });
}

void HttpSession::State::serve(http::HttpRequest request) {
  http::HttpCall call;
  call.request = std::move(request);
  call.shard = shard;
  const bool with_body = call.request.method != "HEAD";
  const bool keep_alive = call.request.keep_alive;
  call.answer = [self = shared_from_this(), with_body, keep_alive](http::HttpResponse response) {
    self->answer(std::move(response), with_body, keep_alive);
  };
  call.begin_stream = [self = shared_from_this()](const Bytes& content_type,
                                                  Task gone) -> std::shared_ptr<http::HttpStream> {
    self->begin_stream(content_type, std::move(gone));
    return std::make_shared<ChunkedStream<State>>(self);
  };
  if (!fits_into_memory([&] { router.route(std::move(call)); })) {
    transport->close("not enough memory for a response over HTTP");
  }
}

void HttpSession::on_closed(bool) {
  CHECK(state_->executor.is_current());
  state_->transport = nullptr;
  if (state_->gate != nullptr) state_->gate->close();
  if (state_->timer != 0) state_->executor.cancel(std::exchange(state_->timer, 0));
  if (Task gone = std::exchange(state_->when_gone, nullptr)) gone();
}

}  // namespace milena::broker
