#include "tools/own/doctor_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "tools/output.h"

namespace milena::tools {
namespace {

using Json = nlohmann::json;

constexpr int64_t kSameClock_ms = 2000;

std::string text_of(const Json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<BrokerFinding> findings_in(const Json& list) {
  std::vector<BrokerFinding> findings;
  if (!list.is_array()) return findings;
  for (const Json& one : list) {
    if (!one.is_object()) continue;
    const Json about = one.value("about", Json::object());
    findings.push_back({text_of(one, "severity"), text_of(one, "kind"), text_of(about, "type"), text_of(about, "name"),
                        text_of(one, "problem"), text_of(one, "remedy")});
  }
  return findings;
}

int64_t number_in(const Json& from, const char* name, int64_t otherwise) {
  const auto found = from.find(name);
  return found != from.end() && found->is_number_integer() ? found->get<int64_t>() : otherwise;
}

bool all_were_asked(const std::vector<DoctorReport>& reports) {
  std::set<int32_t> asked, known;
  for (const DoctorReport& report : reports) {
    asked.insert(report.node);
    known.insert(report.brokers.begin(), report.brokers.end());
  }
  return std::includes(asked.begin(), asked.end(), known.begin(), known.end());
}

void add_absent_clients(const std::vector<DoctorReport>& reports, std::vector<BrokerFinding>& findings) {
  if (!all_were_asked(reports)) return;
  std::set<std::string> known;  // those that work, and those that are named already
  for (const DoctorReport& report : reports) {
    known.insert(report.served.begin(), report.served.end());
    for (const BrokerFinding& one : report.findings) {
      if (one.kind == "client-not-arrived") known.insert(one.about);
    }
  }
  for (const DoctorReport& report : reports) {
    for (const BrokerFinding& one : report.absent) {
      if (!known.insert(one.about).second) continue;
      findings.push_back(one);
      findings.back().problem += " It works at no other broker either.";
    }
  }
}

// How far a broker's clock is ahead of the asker's, at least and at most.
struct Offset {
  int64_t least_ms, most_ms;
};
Offset offset_of(const DoctorReport& report) {
  return {report.now_ms - report.answered_ms, report.now_ms - report.asked_ms};
}

void add_clocks(const std::vector<DoctorReport>& reports, std::vector<BrokerFinding>& findings) {
  const DoctorReport* first = nullptr;
  for (const DoctorReport& report : reports) {
    if (report.now_ms <= 0) continue;
    if (first == nullptr) {
      first = &report;
      continue;
    }
    const auto own_word = std::any_of(report.findings.begin(), report.findings.end(),
                                      [](const BrokerFinding& one) { return one.kind == "clocks-differ"; });
    const Offset its = offset_of(report), others = offset_of(*first);
    // The difference that is certain.
    const int64_t ahead_ms = its.least_ms - others.most_ms, behind_ms = others.least_ms - its.most_ms;
    const int64_t apart_ms = std::max(ahead_ms, behind_ms);
    if (own_word || apart_ms < kSameClock_ms) continue;
    findings.push_back(
        {"warning", "clocks-differ", "broker", std::to_string(report.node),
         fmt::format("The clock of broker {} is {:.1f} s {} that of broker {}.", report.node,
                     static_cast<double>(apart_ms) / 1000, ahead_ms > 0 ? "ahead of" : "behind", first->node),
         "Keep the clocks of all machines right, with chrony or another client of NTP."});
  }
}

std::string text_of_findings(const std::vector<BrokerFinding>& findings) {
  std::string text;
  for (const BrokerFinding& one : findings) {
    text += fmt::format("{} {} {} ({})\n  {}\n  {}\n", one.severity, one.about_type, one.about, one.kind, one.problem,
                        one.remedy);
  }
  return text;
}

std::string json_of_findings(const std::vector<BrokerFinding>& findings, const std::string& indent) {
  std::string text = "[";
  const char* between = "";
  for (const BrokerFinding& one : findings) {
    text += fmt::format(
        "{}\n{}  {{\"severity\": {}, \"kind\": {}, \"about\": {{\"type\": {}, \"name\": {}}}, \"problem\": {}, "
        "\"remedy\": {}}}",
        between, indent, json_text(one.severity), json_text(one.kind), json_text(one.about_type), json_text(one.about),
        json_text(one.problem), json_text(one.remedy));
    between = ",";
  }
  return text + (findings.empty() ? "]" : "\n" + indent + "]");
}

bool healthy(const std::vector<BrokerFinding>& findings) {
  return std::none_of(findings.begin(), findings.end(), [](const BrokerFinding& one) { return one.counts(); });
}

}  // namespace

Result<DoctorReport> DoctorReport::parse(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("findings")) {
    return make_error(ErrorKind::kCorrupt, "the answer is no list of findings");
  }
  DoctorReport report;
  report.node = static_cast<int32_t>(std::clamp<int64_t>(number_in(json, "node", -1), -1, INT32_MAX));
  // Within what differences of can be worked with.
  report.now_ms = std::clamp<int64_t>(number_in(json, "now_ms", 0), 0, INT64_MAX / 4);
  report.findings = findings_in(json["findings"]);
  report.absent = findings_in(json.value("absent", Json::array()));
  for (const Json& one : json.value("brokers", Json::array())) {
    if (one.is_number_integer()) report.brokers.push_back(one.get<int32_t>());
  }
  for (const Json& one : json.value("served", Json::array())) {
    if (one.is_string()) report.served.push_back(one.get<std::string>());
  }
  return report;
}

std::vector<BrokerFinding> findings_of_all(const std::vector<DoctorReport>& reports) {
  std::vector<BrokerFinding> findings;
  add_absent_clients(reports, findings);
  add_clocks(reports, findings);
  return findings;
}

std::string merged_text(const std::vector<DoctorReport>& reports, const std::vector<BrokerFinding>& of_all) {
  std::string text = text_of_findings(of_all);
  for (const DoctorReport& report : reports) {
    if (report.findings.empty()) continue;
    text += fmt::format("broker {} at {}\n{}", report.node, report.address, text_of_findings(report.findings));
  }
  return text.empty() ? "Nothing is wrong.\n" : text;
}

std::string merged_json(const std::vector<DoctorReport>& reports, const std::vector<BrokerFinding>& of_all) {
  bool all_healthy = healthy(of_all);
  std::string brokers;
  for (const DoctorReport& report : reports) {
    const bool one = healthy(report.findings);
    all_healthy = all_healthy && one;
    brokers += fmt::format("{}\n    {{\"node\": {}, \"http\": {}, \"healthy\": {}, \"findings\": {}}}",
                           brokers.empty() ? "" : ",", report.node, json_text(report.address), one,
                           json_of_findings(report.findings, "    "));
  }
  return fmt::format("{{\n  \"healthy\": {},\n  \"findings\": {},\n  \"brokers\": [{}\n  ]\n}}\n", all_healthy,
                     json_of_findings(of_all, "  "), brokers);
}

}  // namespace milena::tools
