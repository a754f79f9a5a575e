#include "tools/tls_transport.h"

#include <openssl/err.h>

#include <algorithm>
#include <ctime>

namespace milena::tools {
namespace {

constexpr size_t kReadBytes = 64 * 1024;

// OpenSSL works on two buffers in memory; their bytes are sent to and received from the connection below.
class TlsTransport final : public BrokerTransport {
 public:
  TlsTransport(std::unique_ptr<BrokerTransport> below, std::shared_ptr<const security::TlsContext> context,
               std::string peer)
      : below_(std::move(below)), context_(std::move(context)), peer_(std::move(peer)) {}

  Status open(const std::string& host, Deadline deadline) {
    ssl_.reset(SSL_new(context_->handle()));
    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    if (ssl_) SSL_set_bio(ssl_.get(), in, out);
    if (!ssl_ || in == nullptr || out == nullptr || !context_->expect_server(ssl_.get(), host)) {
      return make_error(ErrorKind::kExhausted, "{}: no memory for TLS", peer_);
    }
    return complete([this] { return SSL_do_handshake(ssl_.get()); }, deadline);
  }

  Status send(ByteView bytes, Deadline deadline) override {
    while (!bytes.empty()) {
      size_t count = 0;
      RETURN_IF_ERROR(complete([&] { return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count); }, deadline));
      bytes.remove_prefix(count);
    }
    return ok_status();
  }

  Result<size_t> receive_some(char* to, size_t most, Deadline deadline) override {
    size_t count = 0;
    RETURN_IF_ERROR(complete([&] { return SSL_read_ex(ssl_.get(), to, most, &count); }, deadline));
    return count;
  }

  std::optional<int64_t> certificates_end_s() const override {
    std::optional<int64_t> first;
    const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl_.get());
    for (int i = 0; i < sk_X509_num(chain); i++) {
      tm parts{};
      if (ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(chain, i)), &parts) != 1) continue;
      const int64_t end_s = ::timegm(&parts);
      first = std::min(first.value_or(end_s), end_s);
    }
    return first;
  }

 private:
  // Repeats a step until it is done.
  template <class Step>
  Status complete(Step step, Deadline deadline) {
    for (;;) {
      ERR_clear_error();
      const int result = step();
      const int reason = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
      RETURN_IF_ERROR(flush(deadline));
      if (result == 1) return ok_status();
      if (reason == SSL_ERROR_ZERO_RETURN) return make_error(ErrorKind::kIo, "{} closed the connection", peer_);
      if (reason != SSL_ERROR_WANT_READ) return failed();
      char buffer[kReadBytes];
      Result<size_t> got = below_->receive_some(buffer, sizeof buffer, deadline);
      RETURN_IF_ERROR(got);
      BIO_write(SSL_get_rbio(ssl_.get()), buffer, static_cast<int>(*got));
    }
  }

  Status flush(Deadline deadline) {
    char* bytes = nullptr;
    BIO* out = SSL_get_wbio(ssl_.get());
    const long size = BIO_get_mem_data(out, &bytes);
    if (size <= 0) return ok_status();
    Status sent = below_->send(ByteView(bytes, static_cast<size_t>(size)), deadline);
    BIO_reset(out);
    return sent;
  }

  Error failed() const {
    const long verified = SSL_get_verify_result(ssl_.get());
    std::string why = security::take_openssl_error();
    if (verified != X509_V_OK) why += std::string(": ") + X509_verify_cert_error_string(verified);
    return make_error(ErrorKind::kIo, "{}: TLS: {}", peer_, why);
  }

  const std::unique_ptr<BrokerTransport> below_;
  const std::shared_ptr<const security::TlsContext> context_;
  const std::string peer_;
  security::OpensslConnection ssl_;
};

}  // namespace

BrokerTransportMaker tls_transport_maker(std::shared_ptr<const security::TlsContext> context) {
  return [context = std::move(context)](const BrokerAddress& address,
                                        Deadline deadline) -> Result<std::unique_ptr<BrokerTransport>> {
    auto below = connect_plain(address, deadline);
    RETURN_IF_ERROR(below);
    auto made = std::make_unique<TlsTransport>(below.take(), context, address.text());
    RETURN_IF_ERROR(made->open(address.host, deadline));
    return std::unique_ptr<BrokerTransport>(std::move(made));
  };
}

}  // namespace milena::tools
