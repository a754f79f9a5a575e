// ssl.principal.mapping.rules: any text as rules, and any text as the name that they are applied to.
#include "fuzz_input.h"
#include "security/principal_mapping.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace milena;
  fuzz::Input input(data, size);
  const size_t rules_size = input.choice();
  const ByteView rest = input.rest();
  const ByteView rules = rest.substr(0, rules_size);
  Result<security::PrincipalMapping> mapping = security::PrincipalMapping::parse(rules);
  if (!mapping.ok()) {
    CHECK(!mapping.error().message.empty(), "an error without words");
    return 0;
  }
  const auto name = mapping->name_of(rest.substr(rules.size()));
  CHECK(name == mapping->name_of(rest.substr(rules.size())), "two answers to one question");
  return 0;
}
