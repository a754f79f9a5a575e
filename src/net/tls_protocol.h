// TlsProtocol: another protocol over TLS, for one listener. It has the context for new connections, and replaces it
// when a store's file or the settings change: existing connections keep theirs.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "net/protocol.h"
#include "net/tls_engine.h"

namespace milena::net {

// The current context. Any thread.
class TlsContexts final : public TlsContextSource {
 public:
  explicit TlsContexts(std::shared_ptr<const security::TlsContext> first) : context_(std::move(first)) {}
  // Reads files: on a thread that may block.
  static Result<std::shared_ptr<TlsContexts>> make(const security::TlsSettings& settings, security::TlsRole role);

  // Checks for changed files at most now and then, so an idle broker does nothing for it. A file that cannot be read,
  // or may not replace the old one, is logged and ignored.
  std::shared_ptr<const security::TlsContext> current() override;
  // Uses the context of these settings from here on. Reads files. On an error nothing changes.
  Status replace(const security::TlsSettings& settings);
  // The same on another thread; logs the result. The last change wins, as the work is done in the order of the changes.
  // `whose` begins a sentence.
  static void replace_in_background(std::shared_ptr<TlsContexts> contexts, Executor& executor,
                                    const security::TlsSettings& wanted, const std::string& whose);

 private:
  Status load(const security::TlsSettings& settings);

  std::mutex mutex_;
  std::shared_ptr<const security::TlsContext> context_;
  int64_t looked_ms_ = 0;
  std::string refused_files_;  // files that were tried and are invalid
};

class TlsProtocol final : public Protocol {
 public:
  // Reads files: on a thread that may block. `inner` cuts the decrypted bytes into requests.
  static Result<std::shared_ptr<TlsProtocol>> make(const security::TlsSettings& settings,
                                                   std::shared_ptr<const Protocol> inner = kafka_protocol());

  std::unique_ptr<Stream> make_stream(EventLoop& loop, int descriptor) const override;
  std::unique_ptr<RequestReader> make_reader(const ConnectionLimits& limits) const override {
    return inner_->make_reader(limits);
  }

  const std::shared_ptr<TlsContexts>& contexts() const { return contexts_; }

 private:
  TlsProtocol(std::shared_ptr<TlsContexts> contexts, std::shared_ptr<const Protocol> inner)
      : contexts_(std::move(contexts)), inner_(std::move(inner)) {}

  const std::shared_ptr<TlsContexts> contexts_;
  const std::shared_ptr<const Protocol> inner_;
};

}  // namespace milena::net
