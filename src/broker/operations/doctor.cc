#include "broker/operations/doctor.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"

namespace milena::broker {

ByteView severity_name(Severity severity) {
  switch (severity) {
    case Severity::kInfo: return "info";
    case Severity::kWarning: return "warning";
    case Severity::kError: return "error";
  }
  return "unknown";
}

Diagnoses examine(const NodeFigures& figures) {
  Diagnoses findings;
  examine_storage(figures, findings);
  examine_waits(figures, findings);
  examine_clients(figures, findings);
  examine_settings(figures, findings);
  examine_clocks(figures, findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Diagnosis& a, const Diagnosis& b) { return a.severity > b.severity; });
  return findings;
}

size_t count_of(const Diagnoses& findings, Severity at_least) {
  return static_cast<size_t>(std::count_if(findings.begin(), findings.end(), [at_least](const Diagnosis& finding) {
    return finding.severity >= at_least;
  }));
}

Bytes span_text(int64_t ms) {
  const int64_t seconds = std::max<int64_t>(ms, 0) / 1000;
  if (seconds < 60) return fmt::format("{}.{} s", seconds, std::max<int64_t>(ms, 0) % 1000 / 100);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 172'800) return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} days", seconds / 86'400);
}

Bytes client_text(ByteView client_id, ByteView host) {
  const Bytes from = escape_for_log(host);
  return client_id.empty() ? "client without an id of " + from
                           : fmt::format("client \"{}\" of {}", escape_for_log(client_id), from);
}

}  // namespace milena::broker
