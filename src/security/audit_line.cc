#include "security/audit_line.h"

#include <fmt/format.h>

#include <ctime>

namespace milena::security {
namespace {

// Limit for each text of a client.
constexpr size_t kLongestText = 300;

// Any bytes as a JSON string: all but printable ASCII is escaped byte by byte, so that a line is one line and valid
// JSON.
Bytes quoted(ByteView text) {
  Bytes out = "\"";
  for (const char c : text.substr(0, kLongestText)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    }
  }
  return out + (text.size() > kLongestText ? "...\"" : "\"");
}

Bytes time_text(int64_t wall_ms) {
  const int64_t ms = (wall_ms % 1000 + 1000) % 1000;
  const std::time_t seconds = (wall_ms - ms) / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, ms);
}

}  // namespace

void AuditTrail::note(Permission permission, ByteView resource_name, bool allowed) {
  Answers& answers = allowed ? allowed_ : denied_;
  answers.count++;
  if (answers.kept.size() < kMaxKept) {
    answers.kept.push_back({permission, Bytes(resource_name.substr(0, kLongestText + 1))});
  }
}

void AuditTrail::add_target(Bytes target) {
  if (++target_count_ <= kMaxKept) targets_.push_back(std::move(target));
}

class AuditLine {
 public:
  static Bytes targets(const AuditTrail& trail) {
    if (trail.target_count_ == 0) return {};
    Bytes out = ",\"targets\":[";
    for (size_t i = 0; i < trail.targets_.size(); i++) out += (i == 0 ? "" : ",") + quoted(trail.targets_[i]);
    out += "]";
    if (const size_t more = trail.target_count_ - trail.targets_.size(); more > 0)
      out += fmt::format(",\"targets_more\":{}", more);
    return out;
  }
  static Bytes answers(ByteView name, const AuditTrail::Answers& answers) {
    if (answers.count == 0) return {};
    Bytes out = fmt::format(",\"{}\":[", name);
    const char* separator = "";
    for (const AuditTrail::Asked& one : answers.kept) {
      out += fmt::format("{}{{\"operation\":\"{}\",\"type\":\"{}\",\"name\":{}}}", separator,
                         acl_operation_name(one.permission.operation), acl_resource_type_name(one.permission.resource),
                         quoted(one.resource_name));
      separator = ",";
    }
    out += "]";
    if (const size_t more = answers.count - answers.kept.size(); more > 0)
      out += fmt::format(",\"{}_more\":{}", name, more);
    return out;
  }
  static Bytes of(const AuditedRequest& request, const AuditTrail& trail) {
    const Principal& principal = request.who.principal;
    return fmt::format(
        "{{\"time\":\"{}\",\"event\":\"{}\",\"principal\":{},\"host\":{},\"listener\":{},\"client_id\":{},"
        "\"request\":\"{}\",\"version\":{}{}{}{}}}\n",
        time_text(request.wall_ms), trail.has_denied() ? "denied" : "administrative",
        quoted(principal.type + ":" + principal.name), quoted(request.who.host), quoted(request.who.listener),
        quoted(request.client_id), request.api, request.version, answers("denied", trail.denied_),
        request.administrative ? answers("allowed", trail.allowed_) : Bytes(), targets(trail));
  }
};

Bytes audit_line(const AuditedRequest& request, const AuditTrail& trail) {
  return AuditLine::of(request, trail);
}

Bytes audit_gap_line(int64_t wall_ms, size_t lines) {
  return fmt::format("{{\"time\":\"{}\",\"event\":\"missing\",\"lines\":{}}}\n", time_text(wall_ms), lines);
}

}  // namespace milena::security
