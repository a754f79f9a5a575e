// Settings that protect a Kafka broker and that Milena does not enforce. A broker with such settings must not start
// unprotected: its start is refused.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace milena::config {

// Refuses settings that would protect a Kafka broker.
Status check_protection(const Settings& settings);

// Warnings about settings that protect nothing without another one, as in Kafka. Parses the listeners once. The
// settings must outlive it and not change meanwhile.
class ProtectionWarnings {
 public:
  explicit ProtectionWarnings(const Settings& settings);
  // Empty if there is no warning for a key.
  std::string of(ByteView key) const;

 private:
  struct Listener {
    std::string name;
    bool tls = false;
    bool sasl = false;
  };
  std::string of_listener_key(ByteView key) const;
  bool is_of_http_users(ByteView key) const;
  bool any(bool Listener::*speaks) const;

  const Settings& settings_;
  std::vector<Listener> listeners_;
};

// Warnings about addresses of milena.http.listeners that other machines can reach, and that serve every client or let
// passwords be read.
std::vector<std::string> http_warnings(const Settings& settings);

}  // namespace milena::config
