// ListenerSettings: the broker's settings as one listener has them. A setting may be written for a listener alone
// (listener.name.<name>.<setting>), and those of SASL for one mechanism of it (listener.name.<name>.plain.<setting>).
// A view of the settings, which outlive it.
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

  // The value that is written closest to the listener; nothing where none has one. `mechanism` is a SASL mechanism,
  // and empty for what is no setting of one.
  std::optional<Found> find(ByteView mechanism, ByteView name) const;
  // The same, but what holds for all mechanisms does not count.
  std::optional<Found> find_own(ByteView mechanism, ByteView name) const;
  // The same by type. The text is checked as that of the broker's setting is.
  Result<std::optional<Found>> checked(ByteView mechanism, ByteView name) const;
  Result<int64_t> number(ByteView mechanism, ByteView name) const;  // the setting has a default
  Result<std::vector<Bytes>> list(ByteView mechanism, ByteView name) const;

  // "listener.name.sasl.plain." and what follows, for a message about a setting that is missing.
  Bytes key_of(ByteView mechanism, ByteView name) const;

  static Error mistake(const Found& found, bool secret, ByteView expected);

 private:
  std::optional<Found> other(const Bytes& key) const;

  const Settings& settings_;
  Bytes prefix_;
};

}  // namespace milena::config
