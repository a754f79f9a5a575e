// Whether the node is fully usable: each partition of it can be used, and each log directory works.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "http/message.h"

namespace milena::broker {

class Shard;

// `done` runs on `from` with the reasons why the node is not ready, one line each; none if it is ready.
void look_for_unreadiness(Shard& from, std::function<void(std::vector<std::string>)> done);

// JSON: {"ready": true}, or 503 with the reasons.
http::HttpResponse readiness_response(const std::vector<std::string>& reasons);

}  // namespace milena::broker
