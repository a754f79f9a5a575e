// Reads responses for clients of simulated nodes.
#pragma once

#include <functional>
#include <utility>

#include "base/check.h"
#include "protocol/reader.h"
#include "protocol/request_header.h"

namespace milena::sim {

// Gets the bytes of a response behind its size, or null if it is lost.
using OnAnswer = std::function<void(const ByteView*)>;

// Decodes them for `then`.
template <class Response>
OnAnswer read_answer(int16_t version, std::function<void(const Response*)> then) {
  return [then = std::move(then), version](const ByteView* answer) {
    if (answer == nullptr) return then(nullptr);
    Reader reader(*answer);
    ResponseHeader header;
    header.read(reader, Response::kApiKey, version);
    Response response;
    response.read(reader, version);
    CHECK(reader.ok(), "an answer cannot be decoded");
    then(&response);
  };
}

}  // namespace milena::sim
