// PrincipalMapping: ssl.principal.mapping.rules, from the distinguished name of a client's certificate to the name of
// its principal. Rules as in Kafka: RULE:pattern/replacement/[LU] and DEFAULT, separated by commas; the first rule with
// a pattern that matches the whole name applies.
//
// Patterns are RE2's: linear time for any certificate, and no lookaround or back references. Immutable; any thread may
// use it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace re2 {
class RE2;
}

namespace milena::security {

class PrincipalMapping {
 public:
  // DEFAULT: the name unchanged.
  PrincipalMapping();
  ~PrincipalMapping();
  PrincipalMapping(PrincipalMapping&&) noexcept;
  PrincipalMapping& operator=(PrincipalMapping&&) noexcept;

  // The error has the rule and what was expected.
  static Result<PrincipalMapping> parse(ByteView rules);

  // Nothing if no rule applies: Kafka closes such a client's connection.
  std::optional<Bytes> name_of(ByteView distinguished_name) const;

 private:
  struct Rule;
  static Result<Rule> make_rule(ByteView text, ByteView pattern, ByteView replacement, char letter_case);

  std::vector<Rule> rules_;
};

}  // namespace milena::security
