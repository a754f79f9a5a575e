#include "net/tls_protocol.h"

#include "base/executor.h"
#include "base/log.h"
#include "net/tls_stream.h"

namespace milena::net {
namespace {

constexpr int64_t kLookAtFiles_ms = 1000;

void log_warnings(const security::TlsContext& context) {
  for (const std::string& warning : context.warnings()) log_warn("{}", warning);
}

}  // namespace

std::shared_ptr<const security::TlsContext> TlsContexts::current() {
  std::lock_guard lock(mutex_);
  const int64_t now_ms = system_clock().steady_ms();
  if (now_ms - looked_ms_ < kLookAtFiles_ms) return context_;
  looked_ms_ = now_ms;
  std::string files = context_->files_now();
  if (files == context_->files() || files == refused_files_) return context_;
  if (Status loaded = load(context_->settings()); loaded.ok()) {
    log_info("The changed key store or trust store of a listener is loaded ({}={})",
             context_->settings().keystore_location.key, context_->settings().keystore_location.view());
  } else {
    refused_files_ = std::move(files);
    log_error("A changed key store or trust store cannot be used: {}; the previous one stays in use",
              loaded.error().message);
  }
  return context_;
}

Status TlsContexts::load(const security::TlsSettings& settings) {
  Result<std::shared_ptr<const security::TlsContext>> loaded =
      security::TlsContext::load(settings, system_clock().wall_ms(), context_->role());
  RETURN_IF_ERROR(loaded);
  if (auto refusal = (*loaded)->refusal_after(*context_)) return make_error(ErrorKind::kInvalid, "{}", *refusal);
  context_ = loaded.take();
  refused_files_.clear();
  log_warnings(*context_);
  return ok_status();
}

Status TlsContexts::replace(const security::TlsSettings& settings) {
  std::lock_guard lock(mutex_);
  return load(settings);
}

void TlsContexts::replace_in_background(std::shared_ptr<TlsContexts> contexts, Executor& executor,
                                        const security::TlsSettings& wanted, const std::string& whose) {
  auto work = [contexts = std::move(contexts), wanted, whose] {
    if (Status replaced = contexts->replace(wanted); !replaced.ok()) {
      log_error("{} keeps its previous key store and trust store: {}", whose, replaced.error().message);
    } else {
      log_info("{} has loaded a new key store or trust store", whose);
    }
  };
  executor.run_blocking(std::move(work), [] {});
}

Result<std::shared_ptr<TlsContexts>> TlsContexts::make(const security::TlsSettings& settings, security::TlsRole role) {
  Result<std::shared_ptr<const security::TlsContext>> loaded =
      security::TlsContext::load(settings, system_clock().wall_ms(), role);
  RETURN_IF_ERROR(loaded);
  log_warnings(**loaded);
  return std::make_shared<TlsContexts>(loaded.take());
}

Result<std::shared_ptr<TlsProtocol>> TlsProtocol::make(const security::TlsSettings& settings,
                                                       std::shared_ptr<const Protocol> inner) {
  Result<std::shared_ptr<TlsContexts>> contexts = TlsContexts::make(settings, security::TlsRole::kServer);
  RETURN_IF_ERROR(contexts);
  return std::shared_ptr<TlsProtocol>(new TlsProtocol(contexts.take(), std::move(inner)));
}

std::unique_ptr<Stream> TlsProtocol::make_stream(EventLoop& loop, int descriptor) const {
  return make_tls_stream(loop, descriptor, contexts_);
}

}  // namespace milena::net
