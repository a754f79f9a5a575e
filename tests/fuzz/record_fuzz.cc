// Records of TLS on an open connection, cut, mixed, repeated and corrupted on their way. The server must read a prefix
// of the client's data, and nothing else.
#include "fuzz_input.h"
#include "net/tls_sides.h"

namespace milena {
namespace {

using net::net_test::TlsSide;

const net::net_test::TlsSides& sides() {
  static const net::net_test::TlsSides made;
  return made;
}

void read_all(TlsSide& side, Bytes& to) {
  char buffer[5000];
  for (;;) {
    iovec part{buffer, sizeof buffer};
    const net::IoResult got = side.engine.read(std::span<iovec>(&part, 1), 512 * 1024, side.buffer);
    if (got.kind != net::IoResult::kMoved) return;
    to.append(buffer, got.bytes);
  }
}

// Writes the same bytes again until all are written, like WriteQueue.
void write_all(TlsSide& side, ByteView bytes, size_t room) {
  for (int i = 0; i < 1000 && !bytes.empty(); i++) {
    side.pipe.room = i < 900 ? room : SIZE_MAX;
    const net::IoResult wrote = side.write(bytes);
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
  TlsSide client(sides().client, "localhost"), server(sides().server);
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
    (void)server.write("answer");
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
