#include "http/message.h"

#include <fmt/core.h>
#include <strings.h>

namespace milena::http {
namespace {

bool same_name(ByteView a, ByteView b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  const char lower = static_cast<char>(letter | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::optional<ByteView> HttpRequest::header(ByteView name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return ByteView(value);
  }
  return std::nullopt;
}

std::optional<ByteView> HttpRequest::query_value(ByteView name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return ByteView(value);
  }
  return std::nullopt;
}

HttpResponse HttpResponse::text(int status, Bytes line) {
  HttpResponse response;
  response.status = status;
  response.body = Payload(std::move(line) + "\n");
  return response;
}

ByteView http_reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

Payload write_http_response(HttpResponse response, bool with_body, bool keep_alive) {
  Bytes head = fmt::format("HTTP/1.1 {} {}\r\nContent-Length: {}\r\n", response.status, http_reason(response.status),
                           response.body.size());
  if (!response.body.empty()) head += fmt::format("Content-Type: {}\r\n", response.content_type);
  for (const auto& [name, value] : response.headers) head += fmt::format("{}: {}\r\n", name, value);
  if (!keep_alive) head += "Connection: close\r\n";
  head += "\r\n";
  Payload whole(std::move(head));
  if (with_body) whole.append(std::move(response.body));
  return whole;
}

std::optional<Bytes> decode_percent(ByteView text, bool plus_is_space) {
  Bytes decoded;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

bool read_http_target(ByteView target, HttpRequest& request) {
  const size_t mark = target.find('?');
  std::optional<Bytes> path = decode_percent(target.substr(0, mark), false);
  if (!path || path->empty() || path->front() != '/') return false;
  request.path = std::move(*path);
  ByteView rest = mark == ByteView::npos ? ByteView() : target.substr(mark + 1);
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    const ByteView pair = rest.substr(0, end);
    rest = end == ByteView::npos ? ByteView() : rest.substr(end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    std::optional<Bytes> name = decode_percent(pair.substr(0, equals), true);
    std::optional<Bytes> value = decode_percent(equals == ByteView::npos ? ByteView() : pair.substr(equals + 1), true);
    if (!name || !value) return false;
    request.query.emplace_back(std::move(*name), std::move(*value));
  }
  return true;
}

}  // namespace milena::http
