#include "broker/clients/http_get.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/saturating.h"
#include "config/config_values.h"
#include "http/answer_reader.h"
#include "security/tls_context.h"

namespace milena::broker {
namespace {

constexpr size_t kMaxAnswer_bytes = 1024 * 1024;

// A connected socket, with or without TLS, with one deadline for all operations.
class HttpConnection {
 public:
  HttpConnection(const Clock& clock, int64_t timeout_ms)
      : clock_(clock), end_ms_(add_saturating(clock.steady_ms(), timeout_ms)) {}
  ~HttpConnection() {
    ::SSL_free(tls_);
    ::SSL_CTX_free(context_);
    if (socket_ >= 0) ::close(socket_);
    ::ERR_clear_error();
  }
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  Status open(const HttpUrl& url, const Bytes& trust_file) {
    RETURN_IF_ERROR(connect(url));
    return url.tls ? handshake(url, trust_file) : ok_status();
  }
  Status write(ByteView bytes) {
    while (!bytes.empty()) {
      if (!set_time_left()) return late();
      const ssize_t written = tls_ != nullptr ? ::SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                              : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (written <= 0) return failed("writing");
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return ok_status();
  }
  // Up to the end of the answer, which need not be that of the connection.
  Result<Bytes> read_body() {
    http::HttpAnswerReader reader;
    Bytes body;
    char buffer[16 * 1024];
    while (!reader.ended()) {
      if (!set_time_left()) return late();
      const ssize_t count = tls_ != nullptr ? ::SSL_read(tls_, buffer, sizeof buffer)
                                            : ::recv(socket_, buffer, sizeof buffer, 0);
      if (count < 0 && !ended()) return failed("reading");
      RETURN_IF_ERROR(count > 0 ? reader.feed(ByteView(buffer, static_cast<size_t>(count)), body) : reader.end());
      if (body.size() > kMaxAnswer_bytes) return make_error(ErrorKind::kIo, "the answer is larger than a megabyte");
    }
    const int status = reader.answer().status;
    if (status != 200) return make_error(ErrorKind::kIo, "the answer has status {}", status);
    return body;
  }

 private:
  Error late() const { return make_error(ErrorKind::kIo, "no response in time"); }
  Error failed(ByteView doing) const {
    const unsigned long code = tls_ != nullptr ? ::ERR_peek_last_error() : 0;
    const char* why = code != 0 ? ::ERR_reason_error_string(code) : nullptr;
    if (why == nullptr) why = errno == EAGAIN ? "no response in time" : std::strerror(errno);
    return make_error(ErrorKind::kIo, "{}: {}", doing, why);
  }
  // The other side ended without TLS's close message; the length of the answer shows whether it is complete.
  bool ended() const {
    return tls_ != nullptr && ::SSL_get_error(tls_, -1) == SSL_ERROR_SSL &&
           ERR_GET_REASON(::ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  }

  bool set_time_left() {
    const int64_t left_ms = end_ms_ - clock_.steady_ms();
    if (left_ms <= 0) return false;
    const timeval left{static_cast<time_t>(left_ms / 1000), static_cast<suseconds_t>(left_ms % 1000 * 1000)};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &left, sizeof left);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof left);
    return true;
  }

  Status connect(const HttpUrl& url) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int code = ::getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found); code != 0) {
      return make_error(ErrorKind::kIo, "{}: {}", url.host, ::gai_strerror(code));
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, &::freeaddrinfo);
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
      if (socket_ >= 0) ::close(socket_);
      socket_ = ::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
      if (socket_ < 0) continue;
      if (!set_time_left()) return late();
      if (::connect(socket_, each->ai_addr, each->ai_addrlen) == 0) return ok_status();
    }
    return failed("connecting");
  }

  Status handshake(const HttpUrl& url, const Bytes& trust_file) {
    context_ = ::SSL_CTX_new(::TLS_client_method());
    if (context_ == nullptr) return failed("TLS");
    ::SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
    ::SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    const int trusts = trust_file.empty() ? ::SSL_CTX_set_default_verify_paths(context_)
                                          : ::SSL_CTX_load_verify_file(context_, trust_file.c_str());
    if (trusts != 1) return make_error(ErrorKind::kIo, "{}: no certificates can be read", trust_file);
    tls_ = ::SSL_new(context_);
    if (tls_ == nullptr || ::SSL_set_fd(tls_, socket_) != 1) return failed("TLS");
    ::SSL_set_tlsext_host_name(tls_, url.host.c_str());
    if (!security::expect_host_name(tls_, url.host)) return failed("TLS");
    if (!set_time_left()) return late();
    if (::SSL_connect(tls_) == 1) return ok_status();
    if (const long verdict = ::SSL_get_verify_result(tls_); verdict != X509_V_OK) {
      return make_error(ErrorKind::kIo, "its certificate is not trusted: {}", ::X509_verify_cert_error_string(verdict));
    }
    return failed("TLS handshake");
  }

  const Clock& clock_;
  const int64_t end_ms_;
  int socket_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* tls_ = nullptr;
};

}  // namespace

Result<HttpUrl> parse_http_url(ByteView text) {
  HttpUrl url;
  url.tls = text.starts_with("https://");
  if (!url.tls && !text.starts_with("http://")) {
    return make_error(ErrorKind::kInvalid, "expected a URL that begins with http:// or https://");
  }
  text.remove_prefix(url.tls ? 8 : 7);
  text = text.substr(0, text.find('#'));
  const size_t slash = text.find_first_of("/?");
  url.path = slash == ByteView::npos ? "/" : Bytes(text.substr(slash));
  if (url.path[0] == '?') url.path.insert(0, "/");
  ByteView authority = text.substr(0, slash);
  url.port = url.tls ? "443" : "80";
  size_t colon = authority.rfind(':');
  if (authority.starts_with('[') && authority.ends_with(']')) colon = ByteView::npos;
  if (colon != ByteView::npos) {
    auto port = config::parse_integer(authority.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return make_error(ErrorKind::kInvalid, "the port in the URL is invalid");
    url.port = fmt::format("{}", *port);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) authority = authority.substr(1, authority.size() - 2);
  url.host = Bytes(authority);
  const bool odd = std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == 0x7f || c == '@'; });
  if (url.host.empty() || odd) return make_error(ErrorKind::kInvalid, "the host or path in the URL is invalid");
  return url;
}

Result<Bytes> http_get(const HttpUrl& url, const Bytes& trust_file, const Clock& clock, int64_t timeout_ms) {
  HttpConnection connection(clock, timeout_ms);
  RETURN_IF_ERROR(connection.open(url, trust_file));
  const bool numeric = url.host.find(':') != Bytes::npos;
  RETURN_IF_ERROR(connection.write(fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}{}{}:{}\r\nUser-Agent: milena\r\nAccept: application/json\r\n"
      "Connection: close\r\n\r\n",
      url.path, numeric ? "[" : "", url.host, numeric ? "]" : "", url.port)));
  return connection.read_body();
}

}  // namespace milena::broker
