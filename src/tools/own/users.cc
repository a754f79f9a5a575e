// milena users: the users of SCRAM.
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "protocol/messages/describe_user_scram_credentials.h"
#include "tools/output.h"
#include "tools/own/own.h"
#include "tools/scram_admin.h"

namespace milena::tools {
namespace {

struct UsersCommand : OwnCommand {
  std::string verb;
  std::vector<std::string> names, mechanisms;
  int64_t iterations = security::kMinScramIterations;

  UsersCommand()
      : OwnCommand("users", "Lists the users of SCRAM, sets their passwords, and removes them.",
                   "[list] [NAME]...\nset NAME [-m MECHANISM]... [--iterations N]\ndelete NAME... [-m MECHANISM]...") {
    options.word("verb", verb, "list (the default), set or delete.");
    options.words("name", names, "Users. set reads the password from a line of standard input.");
    options.texts("-m,--mechanism", mechanisms, "mechanism", "SCRAM-SHA-256 or SCRAM-SHA-512; default: both.");
    options.number("--iterations", iterations, "number", "How often a password is hashed: 4096 to 16384.");
    add_common();
    options.example("milena users");
    options.example("milena users set alice < alice.password");
    options.example("milena users delete alice");
  }

  Result<std::vector<security::ScramMechanism>> wanted() const;
  Status list(Cluster& cluster);
  Status set(Cluster& cluster);
  Status remove(Cluster& cluster);
  Status work(Cluster& cluster);
};

// Without echo, on a terminal.
std::string read_password() {
  termios before{};
  const bool terminal = ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    termios quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    std::fprintf(stderr, "Password: ");
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  std::string line;
  std::getline(std::cin, line);
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fprintf(stderr, "\n");
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Result<std::vector<security::ScramMechanism>> UsersCommand::wanted() const {
  std::vector<security::ScramMechanism> all;
  for (const std::string& name : mechanisms) {
    auto mechanism = security::parse_scram_mechanism(name);
    if (!mechanism) return usage_error("-m {}: expected SCRAM-SHA-256 or SCRAM-SHA-512", name);
    all.push_back(*mechanism);
  }
  if (all.empty()) all = {security::ScramMechanism::kSha256, security::ScramMechanism::kSha512};
  return all;
}

Status UsersCommand::list(Cluster& cluster) {
  DescribeUserScramCredentialsRequest request;
  request.users.reset();
  if (!names.empty()) request.users.emplace();
  for (const std::string& name : names) request.users->emplace_back().name = ByteView(name);
  auto answer = cluster.ask<DescribeUserScramCredentialsResponse>(request);
  RETURN_IF_ERROR(answer);
  if (answer->error_code != ErrorCode::kNone) return answer_error(answer->error_code, answer->error_message);
  Table table({"USER$", "MECHANISM", "ITERATIONS"});
  for (const auto& result : answer->results) {
    if (result.error_code != ErrorCode::kNone) return answer_error(result.error_code, result.error_message);
    for (const auto& info : result.credential_infos) {
      table.row({result.user,
                 std::string(security::scram_mechanism_name(static_cast<security::ScramMechanism>(info.mechanism))),
                 std::to_string(info.iterations)});
    }
  }
  table.print(json);
  return ok_status();
}

Status UsersCommand::set(Cluster& cluster) {
  if (names.size() != 1) return usage_error("users set: expected one name");
  if (iterations < security::kMinScramIterations || iterations > security::kMaxScramIterations) {
    return usage_error("--iterations {}: expected {} to {}", iterations, security::kMinScramIterations,
                       security::kMaxScramIterations);
  }
  auto chosen = wanted();
  RETURN_IF_ERROR(chosen);
  const std::string password = read_password();
  if (password.empty()) return usage_error("users set: expected the password as a line of standard input");
  // A user may be altered once in a request.
  for (security::ScramMechanism mechanism : *chosen) {
    RETURN_IF_ERROR(
        set_scram_password(cluster, names.front(), mechanism, password, static_cast<int32_t>(iterations)));
  }
  return ok_status();
}

Status UsersCommand::remove(Cluster& cluster) {
  if (names.empty()) return usage_error("users delete: expected a name");
  auto chosen = wanted();
  RETURN_IF_ERROR(chosen);
  // Without -m: all mechanisms of the user.
  DescribeUserScramCredentialsRequest question;
  question.users.emplace();
  for (const std::string& name : names) question.users->emplace_back().name = ByteView(name);
  auto there = cluster.ask<DescribeUserScramCredentialsResponse>(question);
  RETURN_IF_ERROR(there);
  for (const auto& result : there->results) {
    if (result.error_code != ErrorCode::kNone) {
      return make_error(ErrorKind::kNotFound, "{}: {}", result.user,
                        answer_error(result.error_code, result.error_message).message);
    }
    for (const auto& info : result.credential_infos) {
      if (std::find(chosen->begin(), chosen->end(), static_cast<security::ScramMechanism>(info.mechanism)) ==
          chosen->end()) {
        continue;
      }
      AlterUserScramCredentialsRequest request;
      auto& deletion = request.deletions.emplace_back();
      deletion.name = ByteView(result.user);
      deletion.mechanism = info.mechanism;
      RETURN_IF_ERROR(alter_scram(cluster, request));
    }
  }
  return ok_status();
}

Status UsersCommand::work(Cluster& cluster) {
  if (verb.empty() || verb == "list") return list(cluster);
  if (verb == "set") return set(cluster);
  if (verb == "delete") return remove(cluster);
  return usage_error("users {}: expected list, set or delete", verb);
}

}  // namespace

int run_users(ToolWords words) {
  UsersCommand users;
  return users.run(words, [&](Cluster& cluster) { return users.work(cluster); });
}

}  // namespace milena::tools
