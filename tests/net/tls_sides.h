// Both sides of a TLS connection in memory, with newly generated keys: for tests of the engine, and fuzz targets.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "net/tls_engine.h"
#include "security/test_authority.h"

namespace milena::net::net_test {

class OneContext final : public TlsContextSource {
 public:
  OneContext(security::TlsRole role, const security::security_test::TestAuthority& authority, ByteView versions = {}) {
    const security::security_test::TestIdentity identity = authority.issue("localhost");
    const security::TlsSettings settings([&](ByteView name) {
      security::TlsSettings::Value value{std::nullopt, std::string(name)};
      if (name.ends_with(".type")) value.text = "PEM";
      if (name == "ssl.keystore.key") value.text = identity.key;
      if (name == "ssl.keystore.certificate.chain") value.text = identity.certificate;
      if (name == "ssl.truststore.certificates") value.text = authority.certificate();
      if (name == "ssl.client.auth") value.text = "requested";
      if (name == "ssl.protocol") value.text = "TLSv1.3";
      if (name == "ssl.enabled.protocols" && !versions.empty()) value.text = Bytes(versions);
      if (name == "ssl.principal.mapping.rules") value.text = "DEFAULT";
      return value;
    });
    context_ = security::TlsContext::load(settings, 0, role).take();
  }
  std::shared_ptr<const security::TlsContext> current() override { return context_; }

 private:
  std::shared_ptr<const security::TlsContext> context_;
};

struct TlsSides {
  explicit TlsSides(ByteView versions = {}) : chosen(versions) {}

  const Bytes chosen;
  security::security_test::TestAuthority authority;
  std::shared_ptr<OneContext> server = std::make_shared<OneContext>(security::TlsRole::kServer, authority, chosen);
  std::shared_ptr<OneContext> client = std::make_shared<OneContext>(security::TlsRole::kClient, authority, chosen);
};

// A socket in memory: tests take the written bytes, and provide those to read.
class Pipe final : public Stream {
 public:
  IoResult read(std::span<iovec> parts) override {
    reads++;
    if (in.empty()) return ended ? IoResult{IoResult::kEnd} : IoResult{IoResult::kWantsRead};
    const size_t count = std::min({parts[0].iov_len, in.size(), most_read});
    in.copy(static_cast<char*>(parts[0].iov_base), count);
    in.erase(0, count);
    return {IoResult::kMoved, count};
  }
  // Takes `room` bytes.
  IoResult write(std::span<const iovec> parts, bool) override {
    writes++;
    if (room == 0) return {IoResult::kWantsWrite};
    size_t total = 0;
    for (const iovec& part : parts) {
      const size_t count = std::min(part.iov_len, room);
      room -= count;
      total += count;
      out.append(static_cast<const char*>(part.iov_base), count);
    }
    return {IoResult::kMoved, total};
  }
  IoResult send_file(int, uint64_t, uint64_t) override { return {IoResult::kFailed}; }
  void set_cork(bool) override {}
  void wait_readable(std::shared_ptr<StreamWatcher>) override {}
  void wait_writable(std::shared_ptr<StreamWatcher>) override {}
  void close() override {}

  Bytes in, out;
  size_t room = SIZE_MAX;
  size_t most_read = SIZE_MAX;  // with one call
  bool ended = false;
  int reads = 0, writes = 0;
};

// Notes how far it was asked.
class ViewSource final : public TlsSource {
 public:
  explicit ViewSource(ByteView all) : all_(all) {}
  IoResult get(uint64_t offset, size_t most, ByteView& bytes) override {
    bytes = all_.substr(offset, most);
    asked = std::max(asked, offset + bytes.size());
    return {IoResult::kMoved, bytes.size()};
  }

  uint64_t asked = 0;

 private:
  const ByteView all_;
};

struct TlsSide {
  explicit TlsSide(std::shared_ptr<TlsContextSource> contexts, const char* host = "")
      : engine(std::move(contexts), host) {}

  IoResult write(ByteView bytes) {
    ViewSource source(bytes);
    return engine.write(source, bytes.size(), false, buffer);
  }

  TlsEngine engine;
  Pipe pipe;
  std::vector<char> buffer = std::vector<char>(TlsEngine::kBufferBytes);
};

inline bool shake_hands(TlsSide& client, TlsSide& server) {
  for (int i = 0; i < 10; i++) {
    if (client.engine.state() == TlsEngine::State::kHandshake) client.engine.step();
    server.engine.give(std::exchange(client.engine.outgoing(), {}));
    if (server.engine.state() == TlsEngine::State::kHandshake) server.engine.step();
    client.engine.give(std::exchange(server.engine.outgoing(), {}));
  }
  for (TlsSide* side : {&client, &server}) side->engine.attach(side->pipe);
  return client.engine.state() == TlsEngine::State::kOpen && server.engine.state() == TlsEngine::State::kOpen;
}

}  // namespace milena::net::net_test
