#include "broker/operations/doctor_page.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "broker/later_turn.h"
#include "broker/node.h"
#include "broker/operations/collect.h"
#include "broker/shard.h"
#include "log/file_cache.h"

namespace milena::broker {
namespace {

bool wants_json(const http::HttpRequest& request) {
  if (auto format = request.query_value("format")) return *format == "json";
  return request.header("Accept").value_or(ByteView()).find("application/json") != ByteView::npos;
}

http::HttpResponse response_of(const NodeFigures& figures, const http::HttpRequest& request) {
  const Diagnoses findings = examine(figures);
  const bool json = wants_json(request);
  const bool with_clients = request.query_value("clients").value_or("") == "true";
  http::HttpResponse response;
  if (json) response.content_type = "application/json";
  response.headers.emplace_back("Milena-Findings", fmt::format("{}", count_of(findings, Severity::kWarning)));
  response.body = Payload(json ? findings_json(findings, with_clients ? &figures : nullptr) : findings_text(findings));
  return response;
}

nlohmann::ordered_json json_of(const Diagnoses& findings) {
  auto list = nlohmann::ordered_json::array();
  for (const Diagnosis& finding : findings) {
    nlohmann::ordered_json one;
    one["severity"] = Bytes(severity_name(finding.severity));
    one["kind"] = finding.kind;
    one["about"] = {{"type", finding.about_type}, {"name", finding.about}};
    one["problem"] = finding.problem;
    one["remedy"] = finding.remedy;
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

void measure_directories(NodeFigures& figures, FileSystem& files) {
  for (DirectoryFigures& directory : figures.directories) {
    if (!directory.online) continue;
    const DiskSpace space = files.space(directory.path);
    directory.total_bytes = static_cast<uint64_t>(std::max<int64_t>(space.total_bytes, 0));
    directory.free_bytes = static_cast<uint64_t>(std::max<int64_t>(space.usable_bytes, 0));
  }
}

void serve_doctor(Node& node, http::HttpCall call) {
  Shard& home = node.shard(static_cast<size_t>(call.shard));
  auto asked = std::make_shared<http::HttpCall>(std::move(call));
  collect_figures(home, Look::kDoctor, [&home, asked](const std::shared_ptr<NodeFigures>& figures) {
    auto response =
        std::make_shared<http::HttpResponse>(http::HttpResponse::text(503, "not enough memory to examine the broker"));
    auto work = [figures, asked, response, &files = home.node().files->file_system()] {
      (void)continue_or_drop([&] {
        measure_directories(*figures, files);
        figures->complete();
        *response = response_of(*figures, asked->request);
      });
    };
    home.executor().run_computation(std::move(work), [asked, response] { asked->answer(std::move(*response)); });
  });
}

Bytes findings_json(const Diagnoses& findings, const NodeFigures* figures) {
  nlohmann::ordered_json body;
  body["healthy"] = count_of(findings, Severity::kWarning) == 0;
  body["findings"] = json_of(findings);
  if (figures != nullptr) {
    body["node"] = figures->node_id;
    body["now_ms"] = figures->now_ms;
    body["brokers"] = nlohmann::ordered_json::array();
    for (const BrokerFigures& broker : figures->brokers) body["brokers"].push_back(broker.id);
    body["served"] = served_clients(*figures);
    body["absent"] = json_of(examine_absent_clients(*figures));
  }
  // Names may be any bytes.
  return body.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Bytes findings_text(const Diagnoses& findings) {
  if (findings.empty()) return "Nothing is wrong.\n";
  Bytes text;
  for (const Diagnosis& finding : findings) {
    text += fmt::format("{} {} {} ({})\n  {}\n  {}\n", severity_name(finding.severity), finding.about_type,
                        finding.about, finding.kind, finding.problem, finding.remedy);
  }
  return text;
}

}  // namespace milena::broker
