// Settings that close a broker of Kafka's and that Milena does not enforce. A broker that its settings file closes does
// not start open: its start is refused.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace milena::config {

// Refuses what would have protected a broker of Kafka's with the same settings.
Status check_protection(const Settings& settings);

// What to say of settings that protect nothing without another one, as in Kafka. Takes the listeners apart once. The
// settings outlive it and do not change meanwhile.
class ProtectionWarnings {
 public:
  explicit ProtectionWarnings(const Settings& settings);
  // Empty where there is nothing to say of a key.
  std::string of(ByteView key) const;

 private:
  struct Listener {
    std::string name;
    bool tls = false;
    bool sasl = false;
  };
  std::string of_listener_key(ByteView key) const;
  bool any(bool Listener::*speaks) const;

  const Settings& settings_;
  std::vector<Listener> listeners_;
};

}  // namespace milena::config
