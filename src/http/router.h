// HttpRouter: which handler answers which method and path. Knows nothing of what is served. Filled before the first
// request; from then on it does not change, and every shard may use it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "http/message.h"

namespace milena::http {

// An answer that goes on: parts, one after the other. Used on the shard that the request came to.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // False: the reader is gone, or has too much that it has not read yet; the part is dropped.
  virtual bool send(Bytes part) = 0;
  // Nothing follows.
  virtual void end() = 0;
};

// One request on its way. `answer` is called once, on the shard that the request came to, within the handler or later.
struct HttpCall {
  HttpRequest request;
  // The values of {name} in the route.
  HttpFields parameters;
  int shard = 0;
  std::function<void(HttpResponse)> answer;
  // Instead of answer(): begins one that goes on. `when_gone` is called when the reader goes before its end.
  std::function<std::shared_ptr<HttpStream>(Bytes content_type, std::function<void()> when_gone)> begin_stream;

  ByteView parameter(ByteView name) const;
};

class HttpRouter {
 public:
  using Handler = std::function<void(HttpCall)>;

  // "/topics/{topic}": a part in braces matches any one part of a path. GET serves HEAD, too. Routes are tried in the
  // order in which they were added.
  void add(ByteView method, ByteView path, Handler handler);
  // Starts the handler; without one the answer is 404, or 405 where the path is known.
  void route(HttpCall call) const;

 private:
  struct Route {
    Bytes method;
    std::vector<Bytes> parts;
    Handler handler;
  };

  std::vector<Route> routes_;
};

}  // namespace milena::http
