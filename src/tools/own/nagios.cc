#include "tools/own/nagios.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "config/config_values.h"

namespace milena::tools {
namespace {

constexpr const char* kStateNames[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
// The first line names so many problems.
constexpr size_t kProblemsInLine = 3;
// Monitoring systems limit the output of a plugin: 4 KB in old ones.
constexpr size_t kMaxFigures_bytes = 3000;

// The worst first: a known problem counts before one that could not be checked.
int rank(NagiosState state) {
  constexpr int kRanks[] = {0, 2, 3, 1};
  return kRanks[static_cast<int>(state)];
}

std::optional<double> finite_number(ByteView text) {
  const std::optional<double> value = config::parse_double(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

// Texts of clients may hold what has a meaning in this format.
std::string plain(const std::string& text, ByteView forbidden) {
  std::string out;
  for (char c : text) out += static_cast<uint8_t>(c) < 0x20 || forbidden.find(c) != ByteView::npos ? '_' : c;
  return out;
}

std::string number_text(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15 ? fmt::format("{:.0f}", value)
                                                              : fmt::format("{:.2f}", value);
}

}  // namespace

std::optional<AlertRange> AlertRange::parse(const std::string& text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  AlertRange range;
  range.text_ = text;
  ByteView rest = text;
  if (rest.starts_with("@")) {
    range.inside_ = true;
    rest.remove_prefix(1);
  }
  const size_t colon = rest.find(':');
  const ByteView least = colon == ByteView::npos ? ByteView() : rest.substr(0, colon);
  const ByteView most = colon == ByteView::npos ? rest : rest.substr(colon + 1);
  range.least_ = least == "~" ? -kInfinity : 0;
  if (!least.empty() && least != "~") {
    auto value = finite_number(least);
    if (!value) return std::nullopt;
    range.least_ = *value;
  }
  range.most_ = kInfinity;
  if (!most.empty()) {
    auto value = finite_number(most);
    if (!value) return std::nullopt;
    range.most_ = *value;
  } else if (colon == ByteView::npos) {
    return std::nullopt;
  }
  if (range.least_ > range.most_) return std::nullopt;
  return range;
}

bool AlertRange::alerts(double value) const {
  const bool within = value >= least_ && value <= most_;
  return within == inside_;
}

Result<Thresholds> Thresholds::parse(const std::string& text) {
  Thresholds made;
  const size_t comma = text.find(',');
  const std::string parts[] = {text.substr(0, comma), comma == std::string::npos ? "" : text.substr(comma + 1)};
  for (size_t i = 0; i < 2; i++) {
    if (parts[i].empty()) continue;
    auto range = AlertRange::parse(parts[i]);
    if (!range) {
      return make_error(ErrorKind::kUnsupported, "{}: expected WARNING,CRITICAL, each a range such as 10, 5: or 1:9",
                        text);
    }
    (i == 0 ? made.warning : made.critical) = std::move(range);
  }
  return made;
}

NagiosState Thresholds::state_of(double value) const {
  if (critical && critical->alerts(value)) return NagiosState::kCritical;
  if (warning && warning->alerts(value)) return NagiosState::kWarning;
  return NagiosState::kOk;
}

void NagiosReport::problem(NagiosState state, const std::string& text) {
  problems_.push_back({state, plain(text, "|")});
  if (rank(state) > rank(state_)) state_ = state;
}

void NagiosReport::judge(double value, const Thresholds& thresholds, const std::string& text) {
  const NagiosState state = thresholds.state_of(value);
  if (state != NagiosState::kOk) problem(state, text);
}

void NagiosReport::figure(const std::string& label, double value, const char* unit, const Thresholds& thresholds,
                          const std::string& text) {
  judge(value, thresholds, text);
  std::string name;
  for (char c : plain(label, "=|")) name += c == '\'' ? std::string("''") : std::string(1, c);
  const std::string warning = thresholds.warning ? thresholds.warning->text() : "";
  const std::string critical = thresholds.critical ? thresholds.critical->text() : "";
  std::string one = fmt::format(" '{}'={}{};{};{};0", name, number_text(value), unit, warning, critical);
  if (ByteView(unit) == "%") one += ";100";
  if (figures_.size() + one.size() <= kMaxFigures_bytes) figures_ += one;
}

std::string NagiosReport::text() const {
  std::vector<Problem> worst = problems_;
  std::stable_sort(worst.begin(), worst.end(),
                   [](const Problem& a, const Problem& b) { return rank(a.state) > rank(b.state); });
  std::string out = fmt::format("MILENA {} - ", kStateNames[static_cast<int>(state_)]);
  const char* between = "";
  if (worst.empty()) {
    for (const std::string& one : notes_) {
      out += between + plain(one, "|");
      between = ", ";
    }
  }
  for (size_t i = 0; i < std::min(worst.size(), kProblemsInLine); i++) {
    out += between + worst[i].text;
    between = "; ";
  }
  if (worst.size() > kProblemsInLine) out += fmt::format("; and {} more", worst.size() - kProblemsInLine);
  if (!figures_.empty()) out += " |" + figures_;
  out += "\n";
  if (worst.size() <= 1) return out;
  for (const Problem& one : worst) out += fmt::format("{}: {}\n", kStateNames[static_cast<int>(one.state)], one.text);
  return out;
}

std::string MetricSample::label(ByteView name_of_label) const {
  for (const auto& [key, text] : labels) {
    if (key == name_of_label) return text;
  }
  return {};
}

namespace {

// The labels up to the closing brace, which is taken, too.
bool take_labels(ByteView& line, MetricSample& to) {
  while (!line.empty() && line.front() != '}') {
    const size_t equals = line.find("=\"");
    if (equals == ByteView::npos) return false;
    std::string key(line.substr(0, equals)), text;
    line.remove_prefix(equals + 2);
    while (!line.empty() && line.front() != '"') {
      if (line.front() == '\\' && line.size() > 1) {
        line.remove_prefix(1);
        text += line.front() == 'n' ? '\n' : line.front();
      } else {
        text += line.front();
      }
      line.remove_prefix(1);
    }
    if (line.empty()) return false;
    line.remove_prefix(1);
    if (line.starts_with(",")) line.remove_prefix(1);
    to.labels.emplace_back(std::move(key), std::move(text));
  }
  if (line.empty()) return false;
  line.remove_prefix(1);
  return true;
}

}  // namespace

std::vector<MetricSample> parse_metrics(ByteView page) {
  std::vector<MetricSample> samples;
  while (!page.empty()) {
    const size_t end = std::min(page.find('\n'), page.size());
    ByteView line = page.substr(0, end);
    page.remove_prefix(std::min(end + 1, page.size()));
    if (line.empty() || line.front() == '#') continue;
    MetricSample sample;
    const size_t name_end = line.find_first_of("{ ");
    if (name_end == ByteView::npos) continue;
    sample.name = line.substr(0, name_end);
    const bool labelled = line[name_end] == '{';
    line.remove_prefix(name_end + (labelled ? 1 : 0));
    if (labelled && !take_labels(line, sample)) continue;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    auto value = finite_number(line.substr(0, line.find(' ')));
    if (!value) continue;
    sample.value = *value;
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace milena::tools
