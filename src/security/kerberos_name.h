// Kerberos principals as user names (sasl.kerberos.principal.to.local.rules). Pure.
// Source: Kafka's KerberosName, KerberosRule, KerberosShortNamer.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace milena::security {

class KerberosNames {
 public:
  // "DEFAULT", and RULE:[n:format](pattern)s/from/to/g/L. The rules are those of the setting, in their order.
  static Result<KerberosNames> parse(const std::vector<Bytes>& rules);
  KerberosNames(KerberosNames&&) noexcept;
  KerberosNames& operator=(KerberosNames&&) noexcept;
  ~KerberosNames();

  // "alice@REALM" or "kafka/host@REALM". Nothing if no rule matches.
  std::optional<Bytes> short_name(ByteView principal, ByteView default_realm) const;

 private:
  struct Rule;
  KerberosNames();
  std::vector<Rule> rules_;
};

}  // namespace milena::security
