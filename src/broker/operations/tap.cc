#include "broker/operations/tap.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "base/out_of_memory.h"
#include "broker/node.h"
#include "broker/shard.h"
#include "config/config_values.h"
#include "http/router.h"
#include "protocol/error_code.h"

namespace milena::broker {
namespace {

double milliseconds(int64_t ns) { return static_cast<double>(std::max<int64_t>(ns, 0) / 1000) / 1000; }

// The state of a reader, on its shard.
struct Reading {
  std::shared_ptr<http::HttpStream> stream;
  std::shared_ptr<Tap> tap;
  uint64_t left = 0;  // lines until the end
  bool over = false;
};

void forget(Shard& home, const std::shared_ptr<Reading>& reading) {
  if (std::exchange(reading->over, true)) return;
  home.router().at_all(
      home, [tap = reading->tap](Shard& shard) { shard.taps().remove(tap.get()); }, [tap = reading->tap] {});
}

void deliver(Shard& home, const std::shared_ptr<Reading>& reading, Bytes line) {
  if (reading->over) return;
  const uint64_t gap = reading->tap->left_out.exchange(0);
  if (gap > 0) line.insert(0, reading->tap->gap_line(gap));
  if (!reading->stream->send(std::move(line))) {
    reading->tap->left_out += gap + 1;
    return;
  }
  if (--reading->left > 0) return;
  reading->stream->end();
  forget(home, reading);
}

}  // namespace

Bytes tapped_json(const TappedRequest& request) {
  nlohmann::ordered_json line;
  line["time"] = request.time_ms;
  line["client"] = Bytes(request.peer);
  line["client_id"] = Bytes(request.client_id);
  line["api"] = Bytes(request.api);
  line["version"] = request.version;
  line["bytes"] = request.bytes;
  line["answer_bytes"] = request.answer_bytes;
  line["errors"] = nlohmann::ordered_json::array();
  if (request.errors != nullptr) {
    for (const auto& [error, times] : *request.errors) line["errors"].push_back(Bytes(error_name(error)));
  }
  line["ms"] = milliseconds(request.duration_ns);
  if (!request.refusal.empty()) line["refused"] = Bytes(request.refusal);
  // A client id may be any bytes.
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Bytes tapped_text(const TappedRequest& request) {
  Bytes errors;
  if (request.errors != nullptr) {
    for (const auto& [error, times] : *request.errors) {
      errors += (errors.empty() ? "  " : ", ") + Bytes(error_name(error));
      if (times > 1) errors += fmt::format(" x{}", times);
    }
  }
  if (!request.refusal.empty()) errors += "  refused: " + escape_for_log(request.refusal);
  const int64_t second = request.time_ms / 1000;
  return fmt::format("{:02}:{:02}:{:02}.{:03}  {}  {} v{}  {} -> {} bytes  {:.3f} ms{}\n", second / 3600 % 24,
                     second / 60 % 60, second % 60, request.time_ms % 1000, request.peer, request.api,
                     request.version, request.bytes, request.answer_bytes, milliseconds(request.duration_ns), errors);
}

Bytes Tap::gap_line(uint64_t count) const {
  return json_ ? fmt::format("{{\"left_out\":{}}}\n", count) : fmt::format("({} requests left out)\n", count);
}

void Taps::remove(const Tap* tap) {
  std::erase_if(taps_, [tap](const Reader& reader) { return reader.tap.get() == tap; });
}

void Taps::note(const TappedRequest& request) {
  if (traces()) {
    Bytes line = tapped_text(request);
    if (line.ends_with('\n')) line.pop_back();
    write_log_line(LogLevel::kTrace, line);
  }
  for (const auto& [its_tap, its_home] : taps_) {
    const std::shared_ptr<Tap> tap = its_tap;
    Shard* home = its_home;
    if (!tap->wants(request.client_id)) continue;
    if (tap->on_the_way.load(std::memory_order_relaxed) >= Tap::kMaxOnTheWay) {
      tap->left_out++;
      continue;
    }
    tap->on_the_way++;
    // Posted even on this shard, since the reader's connection may be within a call of its own. If memory is short, the
    // request is left out.
    const bool told = fits_into_memory([&tap, home, &request] {
      auto line = std::make_shared<Bytes>(tap->line_of(request));
      home->executor().post([tap, line] {
        tap->on_the_way--;
        tap->deliver(std::move(*line));
      });
    });
    if (told) continue;
    tap->on_the_way--;
    tap->left_out++;
  }
}

void serve_tap(Node& node, http::HttpCall call) {
  Shard& home = node.shard(static_cast<size_t>(call.shard));
  const auto client_id = call.request.query_value("client-id");
  const auto count = call.request.query_value("count");
  const int64_t most = count ? config::parse_integer(*count).value_or(0) : INT64_MAX;
  if (!client_id || most < 1) {
    return call.answer(
        http::HttpResponse::text(400, "expected /tap?client-id=X, optionally with &count=N and &format=json"));
  }
  if (call.request.method == "HEAD") return call.answer(http::HttpResponse());
  if (home.taps().size() >= Taps::kMax) {
    return call.answer(http::HttpResponse::text(503, "too many taps are open; end one of them first"));
  }
  const bool json = call.request.query_value("format").value_or(ByteView()) == "json";
  auto reading = std::make_shared<Reading>();
  reading->tap = std::make_shared<Tap>(Bytes(*client_id), json);
  reading->left = static_cast<uint64_t>(most);
  // The end of the reader is reported by when_gone, on its shard; the tap holds only a weak reference.
  reading->tap->deliver = [&home, weak = std::weak_ptr<Reading>(reading)](Bytes line) {
    if (auto self = weak.lock()) deliver(home, self, std::move(line));
  };
  reading->stream = call.begin_stream(json ? "application/x-ndjson" : "text/plain; charset=utf-8",
                                      [&home, reading] { forget(home, reading); });
  home.router().at_all(
      home, [tap = reading->tap, &home](Shard& shard) { shard.taps().add(tap, home); }, [reading] {});
}

}  // namespace milena::broker
