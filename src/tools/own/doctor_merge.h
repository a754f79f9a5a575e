// Merges the findings of several brokers' doctors, and adds those that no single broker can find. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace milena::tools {

struct BrokerFinding {
  std::string severity, kind, about_type, about, problem, remedy;

  bool counts() const { return severity != "info"; }
};

// The answer of one broker to /doctor?format=json&clients=true.
struct DoctorReport {
  std::string address;
  int32_t node = -1;
  int64_t now_ms = 0;  // by its clock
  // By the asker's clock: when it was asked, and when it had answered.
  int64_t asked_ms = 0, answered_ms = 0;
  std::vector<int32_t> brokers;  // of its cluster
  std::vector<std::string> served;
  std::vector<BrokerFinding> findings, absent;

  // An Error for what is no such answer.
  static Result<DoctorReport> parse(const std::string& json);
};

// Clients that no broker serves, where all brokers were asked; brokers whose clocks differ.
std::vector<BrokerFinding> findings_of_all(const std::vector<DoctorReport>& reports);

std::string merged_text(const std::vector<DoctorReport>& reports, const std::vector<BrokerFinding>& of_all);
std::string merged_json(const std::vector<DoctorReport>& reports, const std::vector<BrokerFinding>& of_all);

}  // namespace milena::tools
