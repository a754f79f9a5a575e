// HttpRouter: which handler answers which method and path. Knows nothing of what is served. Filled before the first
// request; from then on it does not change, and every shard may use it.
#pragma once

#include <functional>
#include <vector>

#include "http/message.h"

namespace milena {

// One request on its way. `answer` is called once, on the shard that the request came to, within the handler or later.
struct HttpCall {
  HttpRequest request;
  // What stood for {name} in the route.
  HttpFields parameters;
  int shard = 0;
  std::function<void(HttpResponse)> answer;

  ByteView parameter(ByteView name) const;
};

class HttpRouter {
 public:
  using Handler = std::function<void(HttpCall)>;

  // "/topics/{topic}": a part in braces stands for any one part of a path. GET serves HEAD, too. What was added first
  // is looked at first.
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

}  // namespace milena
