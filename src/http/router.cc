#include "http/router.h"

#include <algorithm>

namespace milena::http {
namespace {

std::vector<Bytes> parts_of(ByteView path) {
  std::vector<Bytes> parts;
  while (!path.empty()) {
    path.remove_prefix(path.front() == '/' ? 1 : 0);
    const size_t end = std::min(path.find('/'), path.size());
    parts.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

bool matches(const std::vector<Bytes>& route, const std::vector<Bytes>& path, HttpFields& parameters) {
  if (route.size() != path.size()) return false;
  parameters.clear();
  for (size_t i = 0; i < route.size(); i++) {
    if (route[i].starts_with('{')) {
      if (path[i].empty()) return false;
      parameters.emplace_back(route[i].substr(1, route[i].size() - 2), path[i]);
    } else if (route[i] != path[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

ByteView HttpCall::parameter(ByteView name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

void HttpRouter::add(ByteView method, ByteView path, Handler handler) {
  routes_.push_back({Bytes(method), parts_of(path), std::move(handler)});
}

void HttpRouter::route(HttpCall call) const {
  const std::vector<Bytes> path = parts_of(call.request.path);
  const ByteView method = call.request.method == "HEAD" ? ByteView("GET") : ByteView(call.request.method);
  Bytes allowed;
  HttpFields parameters;
  for (const Route& route : routes_) {
    if (!matches(route.parts, path, parameters)) continue;
    if (route.method == method) {
      call.parameters = std::move(parameters);
      return route.handler(std::move(call));
    }
    allowed += (allowed.empty() ? "" : ", ") + route.method;
    if (route.method == "GET") allowed += ", HEAD";
  }
  if (allowed.empty()) return call.answer(HttpResponse::text(404, "nothing is served at " + call.request.path));
  HttpResponse response = HttpResponse::text(405, call.request.method + " is not served here");
  response.headers.emplace_back("Allow", std::move(allowed));
  call.answer(std::move(response));
}

}  // namespace milena::http
