// ListenerSettings: the effective settings of one listener. A setting may be set for one listener
// (listener.name.<name>.<setting>), and those of SASL for one of its mechanisms (listener.name.<name>.plain.<setting>).
// A view of the settings, which must outlive it.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "config/settings.h"

namespace milena::config {

class ListenerSettings {
 public:
  ListenerSettings(const Settings& settings, ByteView listener_name);

  struct Found {
    Bytes key;  // as it was written
    Bytes text;
    std::string origin;  // for people; empty for a default
  };

  // The most specific value for the listener; nothing if it is not set. `mechanism` is a SASL mechanism, and empty for
  // other settings.
  std::optional<Found> find(ByteView mechanism, ByteView name) const;
  // The same, without values for all mechanisms.
  std::optional<Found> find_own(ByteView mechanism, ByteView name) const;
  // The same by type. The text is checked like that of the broker's setting.
  Result<std::optional<Found>> checked(ByteView mechanism, ByteView name) const;
  Result<int64_t> number(ByteView mechanism, ByteView name) const;  // the setting has a default
  Result<std::vector<Bytes>> list(ByteView mechanism, ByteView name) const;

  // The full key ("listener.name.sasl.plain..."), for a message about a missing setting.
  Bytes key_of(ByteView mechanism, ByteView name) const;

  static Error mistake(const Found& found, bool secret, ByteView expected);

 private:
  std::optional<Found> other(const Bytes& key) const;

  const Settings& settings_;
  Bytes prefix_;
};

}  // namespace milena::config
