// Handshakes of TLS: any bytes, in pieces of any size, passed to a server that waits for a client, or to a client. None
// of them opens a connection: that requires keys.
#include "fuzz_input.h"
#include "net/tls_sides.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace milena;
  static const net::net_test::TlsSides sides;
  fuzz::Input input(data, size);
  const bool client = (input.choice() & 1) != 0;
  const size_t piece = 1 + input.wide_choice();
  net::TlsEngine engine(client ? sides.client : sides.server, client ? "localhost" : "");
  if (client) engine.step();
  for (ByteView rest = input.rest(); !rest.empty() && engine.state() == net::TlsEngine::State::kHandshake;) {
    engine.give(rest.substr(0, piece));
    rest.remove_prefix(std::min(piece, rest.size()));
    engine.step();
    engine.outgoing().clear();
  }
  CHECK(engine.state() != net::TlsEngine::State::kOpen, "open without the other side's keys");
  return 0;
}
