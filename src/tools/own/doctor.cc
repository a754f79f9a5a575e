// milena doctor: what is wrong with brokers and what to do, asked over HTTP.
#include <fmt/format.h>

#include <cstdio>

#include "base/executor.h"
#include "tools/own/doctor_merge.h"
#include "tools/own/http_client.h"
#include "tools/own/own.h"

namespace milena::tools {
namespace {

constexpr int kSomethingIsWrong = 1;
constexpr int kCannotBeExamined = 2;
constexpr int64_t kPatience_ms = 15'000;

int cannot_examine(const std::string& why) {
  complain(why);
  return kCannotBeExamined;
}

Error not_examined(const HttpServer& address, int status) {
  if (status == 503) return {ErrorKind::kIo, fmt::format("the broker at {} starts or stops", address.text())};
  return {ErrorKind::kIo, fmt::format("what answers at {} has no doctor: HTTP status {}", address.text(), status)};
}

int print(const std::string& text, bool healthy) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (std::fflush(stdout) != 0) return cannot_examine("standard output cannot be written to");
  return healthy ? 0 : kSomethingIsWrong;
}

// The broker's own text.
int examine_one(const HttpClient& client, const HttpServer& address, bool json) {
  auto answer = client.get(address, json ? "/doctor?format=json" : "/doctor", kPatience_ms);
  if (!answer.ok()) return cannot_examine(answer.error().message);
  const std::string findings = answer->header("Milena-Findings");
  if (answer->status != 200 || findings.empty()) return cannot_examine(not_examined(address, answer->status).message);
  return print(answer->body, findings == "0");
}

Result<DoctorReport> ask(const HttpClient& client, const HttpServer& address) {
  const int64_t asked_ms = system_clock().wall_ms();
  auto answer = client.get(address, "/doctor?format=json&clients=true", kPatience_ms);
  RETURN_IF_ERROR(answer);
  if (answer->status != 200) return not_examined(address, answer->status);
  auto report = DoctorReport::parse(answer->body);
  if (!report.ok()) return make_error(ErrorKind::kCorrupt, "{}: {}", address.text(), report.error().message);
  report->address = address.text();
  report->asked_ms = asked_ms;
  report->answered_ms = system_clock().wall_ms();
  return report;
}

int examine_several(const HttpClient& client, const std::vector<HttpServer>& addresses, bool json) {
  std::vector<DoctorReport> reports;
  std::vector<BrokerFinding> silent;
  for (const HttpServer& address : addresses) {
    auto report = ask(client, address);
    if (report.ok()) {
      reports.push_back(report.take());
    } else {
      // kInvalid: it answered, and wants other credentials.
      const bool refused = report.error().kind == ErrorKind::kInvalid;
      silent.push_back({"error", refused ? "broker-denied" : "broker-unreachable", "broker", address.text(),
                        report.error().message + ".",
                        refused ? "Name a user who may describe the cluster, with --command-config."
                                : "Start the broker, or set its milena.http.listeners to an address that can be "
                                  "reached from here."});
    }
  }
  if (reports.empty()) return cannot_examine(silent.front().problem);
  std::vector<BrokerFinding> of_all = findings_of_all(reports);
  of_all.insert(of_all.begin(), silent.begin(), silent.end());
  bool healthy = of_all.empty();
  for (const DoctorReport& report : reports) {
    for (const BrokerFinding& one : report.findings) healthy = healthy && !one.counts();
  }
  return print(json ? merged_json(reports, of_all) : merged_text(reports, of_all), healthy);
}

}  // namespace

int run_doctor(ToolWords words) {
  Options options(Options::Style::kOwn, "milena doctor",
                  "Finds problems of brokers and their clients, with advice. It asks the brokers over HTTP. With "
                  "several it also finds clients that reached none of them, and clocks that differ. The exit status "
                  "is 0 without problems, 1 with problems, 2 if no broker could be asked.",
                  "[options]");
  bool json = false;
  std::string servers, http, config_file;
  options.flag("--json", json, "Prints JSON.");
  options.text("-b,--bootstrap-server", servers, "HOST:PORT,...",
               "The brokers; they are asked where they serve HTTP.");
  options.text("--http", http, "HOST:PORT,...",
               "Where the brokers serve HTTP (milena.http.listeners); https://HOST:PORT with TLS.");
  options.text("--command-config", config_file, "FILE", kHttpConfigHelp);
  options.example("milena doctor");
  options.example("milena doctor -b localhost:9092,localhost:9093,localhost:9094");
  options.example("milena doctor --http broker1:9644 --json");
  options.example("milena doctor --http broker1:9644,broker2:9644,broker3:9644");
  options.example("milena doctor --http https://broker1:9644 --command-config admin.properties");
  if (auto code = options.parse(words)) return *code;
  auto client = HttpClient::from_file(config_file);
  if (!client.ok()) return cannot_examine(client.error().message);
  auto addresses = client->servers(http, servers);
  if (!addresses.ok()) return options.mistake(addresses.error().message);
  return addresses->size() == 1 ? examine_one(*client, addresses->front(), json)
                                : examine_several(*client, *addresses, json);
}

}  // namespace milena::tools
