// Whether the node can do all that it is there for: each partition of it can be used, and each log directory works.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "http/message.h"

namespace milena::broker {

class Shard;

// `done` runs on `from` with what stands against it, one line each; nothing if the node is ready.
void look_for_unreadiness(Shard& from, std::function<void(std::vector<std::string>)> done);

// JSON: {"ready": true}, or 503 with the reasons.
http::HttpResponse readiness_response(const std::vector<std::string>& reasons);

}  // namespace milena::broker
