// Settings that close a broker of Kafka's and that Milena does not enforce. A broker that its settings file closes does
// not start open: its start is refused.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace milena::config {

// Refuses what would have protected a broker of Kafka's with the same settings.
Status check_protection(const Settings& settings);

// Warnings about settings that protect nothing without another one, as in Kafka. Parses the listeners once. The
// settings must outlive it and not change meanwhile.
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
