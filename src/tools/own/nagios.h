// How a check answers a monitoring system, by the guidelines of the Monitoring Plugins: ranges of thresholds, states
// with their exit codes, a line with performance data. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace milena::tools {

// The exit codes.
enum class NagiosState : int { kOk = 0, kWarning = 1, kCritical = 2, kUnknown = 3 };

// "10": outside of 0 to 10; "10:": below 10; "~:10": above 10; "10:20": outside; "@10:20": within, with both ends.
class AlertRange {
 public:
  static std::optional<AlertRange> parse(const std::string& text);
  bool alerts(double value) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  double least_ = 0, most_ = 0;
  bool inside_ = false;
};

// Of one figure. Empty: no value of it is worth an alert.
struct Thresholds {
  std::optional<AlertRange> warning, critical;

  // "WARNING", "WARNING,CRITICAL", ",CRITICAL".
  static Result<Thresholds> parse(const std::string& text);
  NagiosState state_of(double value) const;
};

class NagiosReport {
 public:
  // Text of the first line where all is well.
  void note(const std::string& text) { notes_.push_back(text); }
  void problem(NagiosState state, const std::string& text);
  // A figure with its thresholds. Beyond them it is a problem: `text` says it in words. `unit` is "", "s", "%", "B"
  // or "c" (a counter).
  void figure(const std::string& label, double value, const char* unit, const Thresholds& thresholds,
              const std::string& text);
  // The same, without a word about it in performance data.
  void judge(double value, const Thresholds& thresholds, const std::string& text);

  NagiosState state() const { return state_; }
  // "MILENA WARNING - ... | 'lag'=...", then a line for each problem where there are several.
  std::string text() const;

 private:
  struct Problem {
    NagiosState state;
    std::string text;
  };

  NagiosState state_ = NagiosState::kOk;
  std::vector<Problem> problems_;
  std::vector<std::string> notes_;
  std::string figures_;
};

// A sample of Prometheus' text format.
struct MetricSample {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;

  std::string label(ByteView name_of_label) const;
};
// Lines that are no samples are left out.
std::vector<MetricSample> parse_metrics(ByteView page);

}  // namespace milena::tools
