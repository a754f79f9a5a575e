// milena doctor: what is wrong with a broker and what to do, asked over HTTP.
#include <fmt/format.h>

#include <cstdio>

#include "tools/own/http_client.h"
#include "tools/own/own.h"

namespace milena::tools {
namespace {

constexpr int kSomethingIsWrong = 1;
constexpr int kCannotBeExamined = 2;

int cannot_examine(const std::string& why) {
  complain(why);
  return kCannotBeExamined;
}

}  // namespace

int run_doctor(ToolWords words) {
  Options options(Options::Style::kOwn, "milena doctor",
                  "Finds problems of a broker and its clients, with advice. It asks the broker over HTTP. The exit "
                  "status is 0 without problems, 1 with problems, 2 if the broker could not be asked.",
                  "[options]");
  bool json = false;
  std::string servers, http;
  options.flag("--json", json, "Prints JSON.");
  options.text("-b,--bootstrap-server", servers, "HOST:PORT", "The broker; its host is asked over HTTP at port 9644.");
  options.text("--http", http, "HOST:PORT", "The broker's HTTP address (milena.http.listeners).");
  options.example("milena doctor");
  options.example("milena doctor --http broker1:9644 --json");
  if (auto code = options.parse(words)) return *code;
  auto address = http_address(http, servers);
  if (!address.ok()) return options.mistake(address.error().message);
  auto answer = http_get(*address, json ? "/doctor?format=json" : "/doctor", 15'000);
  if (!answer.ok()) return cannot_examine(answer.error().message);
  const std::string findings = answer->header("Milena-Findings");
  if (answer->status != 200 || findings.empty()) {
    return cannot_examine(answer->status == 503
                              ? fmt::format("the broker at {} is starting or stopping", address->text())
                              : fmt::format("the server at {} has no /doctor: HTTP status {}", address->text(),
                                            answer->status));
  }
  std::fwrite(answer->body.data(), 1, answer->body.size(), stdout);
  if (std::fflush(stdout) != 0) return cannot_examine("standard output cannot be written to");
  return findings == "0" ? 0 : kSomethingIsWrong;
}

}  // namespace milena::tools
