// HttpRouter: finds the handler for a method and path. Filled before the first request; then it does not change, and
// every shard may use it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "http/message.h"

namespace milena::http {

// A streamed response, in parts. Used on the shard of the request.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // False: the reader is gone, or too slow; the part is dropped.
  virtual bool send(Bytes part) = 0;
  // Ends the response.
  virtual void end() = 0;
};

// A request under way. `answer` is called once, on the shard of the request, within the handler or later.
struct HttpCall {
  HttpRequest request;
  // The values of {name} in the route.
  HttpFields parameters;
  int shard = 0;
  std::function<void(HttpResponse)> answer;
  // Instead of answer(): begins a streamed response. `when_gone` is called if the reader disconnects before its end.
  std::function<std::shared_ptr<HttpStream>(Bytes content_type, std::function<void()> when_gone)> begin_stream;

  ByteView parameter(ByteView name) const;
};

class HttpRouter {
 public:
  using Handler = std::function<void(HttpCall)>;

  // "/topics/{topic}": a part in braces matches any one part of a path. GET serves HEAD, too. Routes are tried in the
  // order in which they were added.
  void add(ByteView method, ByteView path, Handler handler);
  // Calls the handler; without one the response is 404, or 405 if the path is known.
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
