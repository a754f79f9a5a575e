// A blocking client with TLS, for the tests of src/net.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "net/test_client.h"
#include "security/openssl_handle.h"
#include "security/test_authority.h"

namespace milena::net::net_test {

struct TlsClientOptions {
  std::string trusted;                                       // PEM
  std::optional<security::security_test::TestIdentity> identity;  // what it shows
  int version = 0;                                           // 0: any
  SSL_SESSION* resumed = nullptr;
  int receive_buffer_bytes = 0;                              // 0: the system's
};

class TlsClient {
 public:
  TlsClient(uint16_t port, const TlsClientOptions& options) {
    security::start_openssl();
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that are closed
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (options.version != 0) {
      SSL_CTX_set_min_proto_version(context_.get(), options.version);
      SSL_CTX_set_max_proto_version(context_.get(), options.version);
    }
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    trust(options.trusted);
    if (options.identity) show(*options.identity);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    timeval limit{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (const int size = options.receive_buffer_bytes; size > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_);
    if (options.resumed != nullptr) SSL_set_session(ssl_.get(), options.resumed);
    connected_ = SSL_connect(ssl_.get()) == 1;
    if (!connected_) error_ = security::take_openssl_error();
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  ~TlsClient() {
    ssl_.reset();
    ::close(socket_);
  }

  bool connected() const { return connected_; }
  const std::string& error() const { return error_; }
  SSL* ssl() { return ssl_.get(); }
  int socket() const { return socket_; }

  bool send_raw(ByteView bytes) {
    return bytes.empty() || SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  bool send_frame(ByteView body) { return send_raw(TestClient::frame(body)); }

  std::optional<Bytes> receive() {
    char size[4];
    if (!receive_exactly(size, 4)) return std::nullopt;
    Bytes body(static_cast<size_t>(load_big_endian<int32_t>(size)), '\0');
    if (!receive_exactly(body.data(), body.size())) return std::nullopt;
    return body;
  }
  std::optional<Bytes> ask(ByteView body) {
    if (!send_frame(body)) return std::nullopt;
    return receive();
  }
  // True if the other side closes with a TLS notification, without sending anything more.
  bool sees_goodbye() {
    char byte;
    const int result = SSL_read(ssl_.get(), &byte, 1);
    const bool goodbye = SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN;
    if (!goodbye) error_ = security::take_openssl_error();
    return goodbye;
  }

 private:
  void trust(const std::string& pem) {
    std::unique_ptr<BIO, security::OpensslFree<BIO_free_all>> bio(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    security::OpensslCertificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate) X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), certificate.get());
    ERR_clear_error();
  }
  void show(const security::security_test::TestIdentity& identity) {
    std::unique_ptr<BIO, security::OpensslFree<BIO_free_all>> certificate(
        BIO_new_mem_buf(identity.certificate.data(), -1));
    std::unique_ptr<BIO, security::OpensslFree<BIO_free_all>> key(BIO_new_mem_buf(identity.key.data(), -1));
    security::OpensslCertificate x509(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
    security::OpensslKey private_key(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
    EXPECT_EQ(SSL_CTX_use_certificate(context_.get(), x509.get()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context_.get(), private_key.get()), 1);
  }
  bool receive_exactly(char* to, size_t size) {
    while (size > 0) {
      const int count = SSL_read(ssl_.get(), to, static_cast<int>(std::min<size_t>(size, 1 << 20)));
      if (count <= 0) return false;
      to += count;
      size -= static_cast<size_t>(count);
    }
    return true;
  }

  security::OpensslContext context_;
  security::OpensslConnection ssl_;
  int socket_ = -1;
  bool connected_ = false;
  std::string error_;
};

}  // namespace milena::net::net_test
