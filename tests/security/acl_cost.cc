// Usage: acl_cost [ACLS]
//
// Measures the cost of a decision with so many ACLs (10,000): a cached one, and a new one. Not a test: the numbers help
// when changing the authorizer.
#include <fmt/core.h>
#include <time.h>

#include <cstdlib>

#include "security/acl_authorizer.h"

namespace milena::security {
namespace {

double cpu_ns() {
  timespec now;
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class F>
void measure(const char* what, int count, F&& call) {
  const double start = cpu_ns();
  int allowed = 0;
  for (int i = 0; i < count; i++) allowed += call(i) ? 1 : 0;
  fmt::print("{:<64} {:8.0f} ns  ({}% allowed)\n", what, (cpu_ns() - start) / count, 100 * allowed / count);
}

AclRule acl(AclPatternType pattern, Bytes name, Bytes principal) {
  return {AclResourceType::kTopic,  pattern, std::move(name), std::move(principal), "*", AclOperation::kRead,
          AclPermissionType::kAllow};
}

// Half literal topics, half prefixes of many lengths, of a thousand users.
void fill(AclAuthorizer& authorizer, size_t acls) {
  for (size_t i = 0; i < acls; i++) {
    const Bytes user = fmt::format("User:user-{}", i % 1000);
    const Bytes name = fmt::format("team-{}.{}topic-{}", i % 100, Bytes(i % 20, 'x'), i);
    authorizer.set({1, i}, acl(i % 2 == 0 ? AclPatternType::kLiteral : AclPatternType::kPrefixed, name, user));
  }
}

// Slow in Kafka's order: all ACLs for one resource.
void fill_one_topic(AclAuthorizer& authorizer, size_t acls) {
  for (size_t i = 0; i < acls; i++)
    authorizer.set({1, i}, acl(AclPatternType::kLiteral, "everybodys", fmt::format("User:user-{}", i)));
}

void run(size_t acls) {
  const Principal user{.name = "user-42"};
  const Requester who{user, "10.0.0.1", "PLAINTEXT"};
  fmt::print("{} ACLs, CPU per decision\n", acls);
  AclAuthorizer many({}, false);
  double start = cpu_ns();
  fill(many, acls);
  fmt::print("{:<64} {:8.0f} ns\n", "an ACL is added", (cpu_ns() - start) / static_cast<double>(acls));
  std::vector<Bytes> names;
  for (size_t i = 0; i < 1000; i++) names.push_back(fmt::format("team-42.xxtopic-{}042", i % 13));
  measure("one topic, asked again", 1'000'000, [&](int) { return many.allows(who, kReadTopic, names[0]); });
  measure("1000 topics in turn, asked again", 1'000'000,
          [&](int i) { return many.allows(who, kReadTopic, names[static_cast<size_t>(i) % 1000]); });
  measure("anew", 100'000, [&](int i) {
    many.forget_decisions();
    return many.allows(who, kReadTopic, names[static_cast<size_t>(i) % 1000]);
  });
  measure("on some resource, anew", 200, [&](int) {
    many.forget_decisions();
    return many.allows_somewhere(who, kReadTopic);
  });
  AclAuthorizer one({}, false);
  fill_one_topic(one, acls);
  measure("all ACLs of one topic, anew", 100'000, [&](int) {
    one.forget_decisions();
    return one.allows(who, kReadTopic, "everybodys");
  });
  measure("no authorizer", 10'000'000, [&](int) { return allow_all_authorizer().allows(who, kReadTopic, names[0]); });
}

}  // namespace
}  // namespace milena::security

int main(int argc, char** argv) {
  milena::security::run(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10'000);
}
