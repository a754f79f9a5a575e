// Records of TLS on an open connection, cut, mixed, repeated and corrupted on their way. The server must read a prefix
// of the client's data, and nothing else.
#include "fuzz_input.h"
#include "tls_fuzz_contexts.h"

namespace milena {
namespace {

// A socket in memory: tests take the written bytes, and provide those to read.
class Pipe final : public net::Stream {
 public:
  net::IoResult read(std::span<iovec> parts) override {
    if (in.empty()) return ended ? net::IoResult{net::IoResult::kEnd} : net::IoResult{net::IoResult::kWantsRead};
    const size_t count = std::min(parts[0].iov_len, in.size());
    in.copy(static_cast<char*>(parts[0].iov_base), count);
    in.erase(0, count);
    return {net::IoResult::kMoved, count};
  }
  // Accepts so much at a time.
  net::IoResult write(std::span<const iovec> parts, bool) override {
    const size_t count = std::min(parts[0].iov_len, room);
    if (count == 0) return {net::IoResult::kWantsWrite};
    room -= count;
    out.append(static_cast<const char*>(parts[0].iov_base), count);
    return {net::IoResult::kMoved, count};
  }
  net::IoResult send_file(int, uint64_t, uint64_t) override { return {net::IoResult::kFailed}; }
  void set_cork(bool) override {}
  void wait_readable(std::shared_ptr<net::StreamWatcher>) override {}
  void wait_writable(std::shared_ptr<net::StreamWatcher>) override {}
  void close() override {}

  Bytes in, out;
  size_t room = SIZE_MAX;
  bool ended = false;
};

struct Side {
  explicit Side(std::shared_ptr<net::TlsContextSource> contexts, const char* host)
      : engine(std::move(contexts), host) {}

  net::TlsEngine engine;
  Pipe pipe;
};

bool shake_hands(Side& client, Side& server) {
  for (int i = 0; i < 10; i++) {
    if (client.engine.state() == net::TlsEngine::State::kHandshake) client.engine.step();
    server.engine.give(std::exchange(client.engine.outgoing(), {}));
    if (server.engine.state() == net::TlsEngine::State::kHandshake) server.engine.step();
    client.engine.give(std::exchange(server.engine.outgoing(), {}));
  }
  for (Side* side : {&client, &server}) side->engine.attach(side->pipe);
  return client.engine.state() == net::TlsEngine::State::kOpen && server.engine.state() == net::TlsEngine::State::kOpen;
}

void read_all(Side& side, Bytes& to) {
  char buffer[5000];
  for (;;) {
    iovec part{buffer, sizeof buffer};
    const net::IoResult got = side.engine.read(std::span<iovec>(&part, 1), 512 * 1024);
    if (got.kind != net::IoResult::kMoved) return;
    to.append(buffer, got.bytes);
  }
}

// Writes the same bytes again until all are written, like WriteQueue.
void write_all(Side& side, ByteView bytes, size_t room) {
  for (int i = 0; i < 1000 && !bytes.empty(); i++) {
    side.pipe.room = i < 900 ? room : SIZE_MAX;
    const net::IoResult wrote = side.engine.write(bytes, false);
    if (wrote.kind == net::IoResult::kMoved) bytes.remove_prefix(wrote.bytes);
    if (wrote.kind == net::IoResult::kFailed) return;
  }
}

void spoil(fuzz::Input& input, Bytes& wire) {
  if (wire.empty()) return;
  const size_t at = input.wide_choice() % wire.size();
  switch (input.choice() % 5) {
    case 0: wire[at] = static_cast<char>(wire[at] ^ (1 + input.choice())); break;
    case 1: wire.erase(at, input.choice()); break;
    case 2: wire.insert(at, Bytes(input.choice(), static_cast<char>(input.choice()))); break;
    case 3: wire += wire.substr(0, at); break;
    default: break;
  }
}

void fuzz_records(fuzz::Input& input) {
  Side client(fuzz::tls_sides().client, "localhost"), server(fuzz::tls_sides().server, "");
  CHECK(shake_hands(client, server), "two good sides do not understand each other");
  Bytes written, got;
  for (int i = 0; i < 8 && !input.rest().empty(); i++) {
    const size_t size = input.wide_choice();
    Bytes bytes(size, static_cast<char>('a' + i));
    written += bytes;
    write_all(client, bytes, 1 + input.wide_choice());
    Bytes wire = std::exchange(client.pipe.out, {});
    const bool good = (input.choice() & 1) != 0;
    if (!good) spoil(input, wire);
    const size_t cut = input.wide_choice();
    server.pipe.in += wire.substr(0, cut);
    read_all(server, got);
    server.pipe.in += wire.substr(std::min(cut, wire.size()));
    read_all(server, got);
    CHECK(ByteView(written).starts_with(got), "what was read was not written");
    if (server.engine.state() != net::TlsEngine::State::kOpen) return;
    (void)server.engine.write(ByteView("answer"), false);
  }
  server.pipe.ended = true;
  read_all(server, got);
  server.engine.say_goodbye();
}

}  // namespace
}  // namespace milena

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  milena::fuzz::Input input(data, size);
  milena::fuzz_records(input);
  return 0;
}
