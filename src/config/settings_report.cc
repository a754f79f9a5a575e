#include "config/settings_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/authorizer_settings.h"

namespace milena::config {
namespace {

struct ReportLine {
  Bytes setting;
  Bytes origin;
};

ReportLine line_of(const Settings& settings, const ConfigDef& def) {
  const std::optional<Bytes>& text = settings.text(def.name);
  Bytes shown = !text ? "" : def.type == ConfigType::kPassword ? "[hidden]" : *text;
  Bytes origin = settings.origin(def.name);
  if (!settings.is_set(def.name)) origin = text ? "default" : "default: no value";
  if (settings.is_set(def.name) && (def.marks & (kConfigHonoured | kConfigNoEffect)) == 0) origin += "; no effect yet";
  return {fmt::format("{}={}", def.name, shown), std::move(origin)};
}

// An unknown key may be secret; its name decides.
bool may_be_secret(ByteView key) {
  for (ByteView part : {"password", "secret", "credential", "jaas", "token", ".key"}) {
    if (key.find(part) != ByteView::npos) return true;
  }
  return false;
}

void print(const std::vector<ReportLine>& lines, Bytes& out) {
  size_t width = 0;
  for (const ReportLine& line : lines) width = std::max(width, std::min<size_t>(line.setting.size(), 60));
  for (const ReportLine& line : lines) out += fmt::format("{:<{}}  [{}]\n", line.setting, width, line.origin);
}

}  // namespace

Bytes settings_report(const Settings& settings, bool with_defaults) {
  std::vector<ReportLine> set, defaults;
  for (const ConfigDef& def : broker_configs()) {
    if (!settings.is_set(def.name) && (def.marks & kConfigInternal) != 0) continue;
    (settings.is_set(def.name) ? set : defaults).push_back(line_of(settings, def));
  }
  for (const auto& [key, value] : settings.others()) {
    const bool of_authorizer = key == kSuperUsers || key == kAllowEveryone;
    const char* what = of_authorizer ? "; the authorizer's" : "; not one of the broker's settings";
    set.push_back({fmt::format("{}={}", key, may_be_secret(key) ? "[hidden]" : ByteView(value)),
                   settings.origin_of_other(key) + (key.starts_with("listener.name.") ? "" : what)});
  }
  Bytes out;
  out += set.empty() ? "# Nothing is set: all defaults.\n" : "# Set\n";
  print(set, out);
  if (!with_defaults) {
    out += fmt::format("# {} settings have their defaults: --all shows them.\n", defaults.size());
    return out;
  }
  out += "\n# Defaults\n";
  print(defaults, out);
  return out;
}

}  // namespace milena::config
