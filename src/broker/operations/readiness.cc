#include "broker/operations/readiness.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "broker/operations/collect.h"

namespace milena::broker {
namespace {

// With more partitions, only the first are named.
constexpr size_t kNamed = 5;

std::vector<std::string> reasons_of(NodeFigures& figures) {
  std::vector<std::string> reasons;
  for (const DirectoryFigures& directory : figures.directories) {
    if (!directory.online) reasons.push_back(fmt::format("the log directory {} has failed", directory.path));
  }
  if (figures.partitions.empty()) return reasons;
  figures.complete();
  std::string names;
  for (size_t i = 0; i < std::min(kNamed, figures.partitions.size()); i++) {
    names += (i == 0 ? "" : ", ") + figures.partitions[i].name.to_string();
  }
  if (figures.partitions.size() > kNamed) names += ", ...";
  reasons.push_back(fmt::format("{} partitions cannot be used: {}", figures.partitions.size(), names));
  return reasons;
}

}  // namespace

void look_for_unreadiness(Shard& from, std::function<void(std::vector<std::string>)> done) {
  collect_figures(from, Look::kHealth, [done = std::move(done)](const std::shared_ptr<NodeFigures>& figures) {
    done(reasons_of(*figures));
  });
}

http::HttpResponse readiness_response(const std::vector<std::string>& reasons) {
  nlohmann::ordered_json body;
  body["ready"] = reasons.empty();
  if (!reasons.empty()) body["reasons"] = reasons;
  // Paths may be any bytes.
  Bytes text = body.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  http::HttpResponse response = http::HttpResponse::text(reasons.empty() ? 200 : 503, std::move(text));
  response.content_type = "application/json";
  return response;
}

}  // namespace milena::broker
