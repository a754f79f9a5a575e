// Settings: the broker's configuration at start. Sources, later ones override earlier ones: the defaults of the table
// (config_def.h), a file (server.properties, or YAML with the same keys), environment variables as Kafka's image takes
// them, if enabled (settings_environment.h), --override key=value.
//
// Immutable after load(), so every shard may read it. Reading a name that is not in the table is a bug. Configs altered
// while the broker runs (AlterConfigs) are in the cluster's metadata; with_altered() returns new, equally immutable
// settings with them applied over these.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "config/config_def.h"
#include "config/settings_environment.h"

namespace milena::config {

// Altered settings from the metadata: any name, any text.
using AlteredSettings = std::map<Bytes, Bytes, std::less<>>;

struct SettingsInput {
  std::string file;                    // empty: none. Ends in .yaml or .yml: YAML, else Java properties
  std::vector<std::string> overrides;  // "key=value"
  std::vector<EnvironmentSetting> environment;
};

class Settings {
 public:
  enum class Source { kDefault, kFile, kEnvironment, kOverride, kAlteredForAll, kAltered };

  // All defaults.
  Settings();
  // A bad value is an error that names the key, the value and what was expected. warnings() has what a person should
  // know but need not act on (unknown keys, keys without effect).
  static Result<Settings> load(const SettingsInput& input);
  const std::vector<std::string>& warnings() const { return warnings_; }

  // Numbers and booleans of settings that have a value; CHECK on null.
  bool get_bool(ByteView name) const;
  int32_t get_int(ByteView name) const;  // int and short
  int64_t get_long(ByteView name) const;  // int, short and long
  double get_double(ByteView name) const;
  const Bytes& get_string(ByteView name) const;
  std::vector<Bytes> get_list(ByteView name) const;  // null gives an empty list

  // Whether process.roles names it: "broker", "controller".
  bool has_role(ByteView role) const;

  // The text as written, without the blanks around it; nothing for null.
  const std::optional<Bytes>& text(ByteView name) const { return value(name).text; }
  bool is_null(ByteView name) const { return !value(name).text.has_value(); }
  bool is_set(ByteView name) const { return value(name).source != Source::kDefault; }
  // The value if it was set; nothing for a default, and for an unknown name that is not set.
  std::optional<Bytes> explicit_text(ByteView name) const;
  Source source(ByteView name) const { return value(name).source; }
  // Where it was set, for people: "server.properties, line 3", "environment KAFKA_LISTENERS"; empty for a default.
  const std::string& origin(ByteView name) const { return value(name).origin; }
  const std::string& origin_of_other(ByteView key) const { return other_origins_.find(key)->second; }
  // Keys that are not in the table, as written: prefixed ones (listener.name.…), those of plug-ins, mistakes.
  const std::map<Bytes, Bytes>& others() const { return others_; }

  // These settings with the configs altered for all brokers, and then those for this one, applied over them. A config
  // that cannot be altered this way, or has an invalid value (any version may have written it), is left out and listed
  // in `ignored`.
  Settings with_altered(const AlteredSettings& for_all, const AlteredSettings& for_this,
                        std::vector<std::string>* ignored = nullptr) const;

  // For tests and embedding: sets one key, as an override does.
  Status set(ByteView name, ByteView text);

 private:
  struct Value {
    std::optional<Bytes> text;
    Source source = Source::kDefault;
    std::string origin;
    int64_t number = 0;  // parsed: integers, and booleans as 0 and 1
  };

  Status apply(const Bytes& key, const Bytes& text, Source source, const std::string& origin);
  Status check_together();
  void derive_listeners();
  void warn_about(const Bytes& key, const Bytes& text);
  void put(const ConfigDef& def, std::optional<Bytes> text, Source source, std::string origin = {});
  // Gives one setting the value of another.
  void follow(ByteView name, ByteView other);
  Status check_roles() const;
  Status check_own_quorum() const;
  Status check_other_quorum() const;
  void put_altered(const AlteredSettings& altered, Source source, std::vector<std::string>* ignored);
  const Value& value(ByteView name) const;
  int64_t number(ByteView name) const;

  std::vector<Value> values_;  // in the order of the table
  std::map<Bytes, Bytes> others_;
  std::map<Bytes, std::string, std::less<>> other_origins_;
  std::vector<std::string> warnings_;
};

// $XDG_DATA_HOME/milena or ~/.local/share/milena; /var/lib/milena for root.
std::string default_data_directory();

}  // namespace milena::config
