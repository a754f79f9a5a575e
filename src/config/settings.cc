#include "config/settings.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "config/config_listeners.h"
#include "config/config_values.h"
#include "config/settings_file.h"
#include "config/settings_protection.h"

namespace milena::config {
namespace {

// Settings of plug-ins and of parts that are configured under a prefix; they cannot be checked here.
bool is_foreign(ByteView key) {
  for (ByteView prefix : {"listener.name.", "rsm.config.", "rlmm.config.", "controller.quorum.", "confluent.",
                          "metrics.", "config.providers."}) {
    if (key.starts_with(prefix)) return true;
  }
  // A setting of a SASL mechanism, for all listeners.
  for (ByteView prefix : {"plain.", "scram-sha-256.", "scram-sha-512.", "oauthbearer.", "gssapi."}) {
    if (key.starts_with(prefix)) return true;
  }
  return key == "super.users" || key == "allow.everyone.if.no.acl.found";
}

// A user who set a variable looks for its name, not for the setting's.
std::string variable_of(const std::string& origin) {
  return origin.starts_with("environment ") ? " (" + origin + ")" : std::string();
}

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? value : nullptr;
}

}  // namespace

std::string default_data_directory() {
  if (const char* data = environment("XDG_DATA_HOME"); data && ::geteuid() != 0) return std::string(data) + "/milena";
  const char* home = environment("HOME");
  if (::geteuid() == 0 || !home) return "/var/lib/milena";
  return std::string(home) + "/.local/share/milena";
}

Settings::Settings() : values_(broker_configs().size()) {
  for (const ConfigDef& def : broker_configs()) {
    put(def, def.default_value ? std::optional<Bytes>(def.default_value) : std::nullopt, Source::kDefault);
  }
  put(*find_broker_config("log.dirs"), default_data_directory(), Source::kDefault);
}

Result<Settings> Settings::load(const SettingsInput& input) {
  Settings settings;
  if (!input.file.empty()) {
    Result<std::vector<Property>> from_file = read_settings_file(input.file);
    RETURN_IF_ERROR(from_file);
    for (const Property& setting : *from_file) {
      std::string origin = fmt::format("{}, line {}", input.file, setting.line);
      RETURN_IF_ERROR(settings.apply(setting.key, setting.value, Source::kFile, origin));
    }
  }
  for (const EnvironmentSetting& setting : input.environment) {
    RETURN_IF_ERROR(
        settings.apply(setting.key, setting.value, Source::kEnvironment, "environment " + setting.variable));
  }
  for (const std::string& text : input.overrides) {
    size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return make_error(ErrorKind::kInvalid, "--override {}: expected key=value", text);
    }
    RETURN_IF_ERROR(settings.apply(Bytes(trim_blanks(text.substr(0, equals))), text.substr(equals + 1),
                                   Source::kOverride, "--override"));
  }
  settings.derive_listeners();
  const ProtectionWarnings warnings(settings);
  for (const auto& [key, text] : settings.others_) {
    if (!is_foreign(key)) {
      settings.warn_about(key, text);
    } else if (std::string why = warnings.of(key); !why.empty()) {
      settings.warnings_.push_back(fmt::format("{}{}: {}", key, variable_of(settings.origin_of_other(key)), why));
    }
  }
  for (const ConfigDef& def : broker_configs()) {
    const Value& value = settings.values_[config_index(def)];
    if (value.source == Source::kDefault || (def.marks & kConfigNoEffect) != 0) continue;
    // No warning for a file with Kafka's default in it.
    auto is = [&value](const char* text) { return text && value.text == text; };
    if (is(def.default_value) || is(def.kafka_default) || value.text == "") continue;
    std::string why = warnings.of(def.name);
    if (why.empty() && (def.marks & kConfigHonoured) != 0) continue;
    settings.warnings_.push_back(fmt::format(
        "{}={}{}: {}", def.name, def.type == ConfigType::kPassword ? "[hidden]" : value.text.value_or(""),
        variable_of(value.origin), why.empty() ? "not implemented yet; the setting has no effect" : why));
  }
  RETURN_IF_ERROR(settings.check_together());
  for (std::string& each : http_warnings(settings)) settings.warnings_.push_back(std::move(each));
  return settings;
}

Status Settings::set(ByteView name, ByteView text) {
  return apply(Bytes(name), Bytes(text), Source::kOverride, "set by hand");
}

Status Settings::apply(const Bytes& key, const Bytes& text, Source source, const std::string& origin) {
  const ConfigDef* def = find_broker_config(key);
  if (!def) {
    others_[key] = text;
    other_origins_[key] = origin;
    return ok_status();
  }
  Status status = check_config_value(*def, text);
  if (!status.ok()) {
    return make_error(ErrorKind::kInvalid, "{}={} ({}): {}", key,
                      def->type == ConfigType::kPassword ? "[hidden]" : ByteView(text), origin, status.error().message);
  }
  put(*def, Bytes(trim_blanks(text)), source, origin);
  return ok_status();
}

void Settings::follow(ByteView name, ByteView other) {
  put(*find_broker_config(name), text(other), source(other), origin(other));
}

std::optional<Bytes> Settings::explicit_text(ByteView name) const {
  const ConfigDef* def = find_broker_config(name);
  if (def == nullptr) {
    auto found = others_.find(Bytes(name));
    return found == others_.end() ? std::nullopt : std::optional<Bytes>(found->second);
  }
  const Value& found = values_[config_index(*def)];
  return found.source == Source::kDefault ? std::nullopt : found.text;
}

Settings Settings::with_altered(const AlteredSettings& for_all, const AlteredSettings& for_this,
                                std::vector<std::string>* ignored) const {
  Settings altered = *this;
  altered.put_altered(for_all, Source::kAlteredForAll, ignored);
  altered.put_altered(for_this, Source::kAltered, ignored);
  return altered;
}

void Settings::put_altered(const AlteredSettings& altered, Source source, std::vector<std::string>* ignored) {
  for (const auto& [name, text] : altered) {
    const ConfigDef* def = find_broker_config(name);
    if (def == nullptr) {
      // Settings of a listener take effect with it; others are only kept and described.
      if (!name.starts_with("listener.name.")) continue;
      others_[name] = text;
      other_origins_[name] = "altered";
      continue;
    }
    bool fits = def->scope == ConfigScope::kClusterWide ||
                (def->scope == ConfigScope::kPerBroker && source == Source::kAltered);
    if (fits && !config_complaint(*def, text)) {
      put(*def, Bytes(trim_blanks(text)), source, "altered");
    } else if (ignored != nullptr) {
      ignored->push_back(fmt::format("{}={}: cannot be altered {}; it is ignored", name,
                                     def->type == ConfigType::kPassword ? "[hidden]" : ByteView(text),
                                     fits ? "to this" : "while the broker runs"));
    }
  }
}

void Settings::put(const ConfigDef& def, std::optional<Bytes> text, Source source, std::string origin) {
  Value& value = values_[config_index(def)];
  value.number = 0;
  if (text && def.type == ConfigType::kBoolean) {
    value.number = parse_boolean(*text).value() ? 1 : 0;
  } else if (text &&
             (def.type == ConfigType::kInt || def.type == ConfigType::kShort || def.type == ConfigType::kLong)) {
    value.number = parse_integer(*text).value();
  }
  value.text = std::move(text);
  value.source = source;
  value.origin = std::move(origin);
}

void Settings::warn_about(const Bytes& key, const Bytes& text) {
  const std::string variable = variable_of(origin_of_other(key));
  if (const RemovedConfig* removed = find_removed_config(key)) {
    warnings_.push_back(fmt::format("{}={}{}: Kafka has removed this setting: {}", key, text, variable, removed->hint));
    return;
  }
  std::string nearest = nearest_config_name(key);
  std::string meant = nearest.empty() ? "" : fmt::format(". Did you mean {}?", nearest);
  warnings_.push_back(fmt::format("{}{}: no such setting; it is ignored{}", key, variable, meant));
}

// As in the images of Kafka and Confluent: if the environment only sets advertised listeners, the broker listens on
// their ports, at every address.
void Settings::derive_listeners() {
  const std::optional<Bytes>& advertised = text("advertised.listeners");
  if (is_set("listeners") || source("advertised.listeners") != Source::kEnvironment || !advertised) return;
  Bytes listeners;
  for (const Bytes& item : parse_list(*advertised)) {
    size_t slashes = item.find("://"), colon = item.rfind(':');
    if (slashes == Bytes::npos || colon < slashes + 3) return;  // "auto", or a mistake that is reported later
    listeners += (listeners.empty() ? "" : ",") + item.substr(0, slashes + 3) + item.substr(colon);
  }
  if (listeners.empty()) return;
  put(*find_broker_config("listeners"), std::move(listeners), Source::kEnvironment, origin("advertised.listeners"));
}

// Rules over several settings.
Status Settings::check_together() {
  if (is_set("broker.id") && get_int("broker.id") >= 0) {
    if (is_set("node.id") && get_int("node.id") != get_int("broker.id")) {
      return make_error(ErrorKind::kInvalid, "node.id={} and broker.id={}: expected the same number, or one of them",
                        get_int("node.id"), get_int("broker.id"));
    }
    follow("node.id", "broker.id");
  } else if (is_set("node.id")) {
    follow("broker.id", "node.id");
  }
  // log.dirs wins over log.dir, as in Kafka.
  if (!is_set("log.dirs") && is_set("log.dir")) {
    follow("log.dirs", "log.dir");
  }
  std::vector<Bytes> directories = get_list("log.dirs");
  if (directories.empty() || std::count(directories.begin(), directories.end(), "") != 0) {
    return make_error(ErrorKind::kInvalid, "log.dirs={}: expected at least one directory", get_string("log.dirs"));
  }
  RETURN_IF_ERROR(check_protection(*this));
  return check_roles();
}

bool Settings::has_role(ByteView role) const {
  const std::vector<Bytes> roles = get_list("process.roles");
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

// Refuses combinations that are only half supported. A Milena controller is the only one of its quorum; a broker may
// belong to a quorum of any size, whose controllers are then Kafka's.
Status Settings::check_roles() const {
  const std::vector<Bytes> roles = get_list("process.roles");
  const bool broker = has_role("broker");
  const bool controller = has_role("controller");
  const size_t known = (broker ? 1 : 0) + (controller ? 1 : 0);
  if (known == 0 || roles.size() != known) {
    return make_error(ErrorKind::kInvalid, "process.roles={}: expected broker, controller, or broker,controller",
                      get_string("process.roles"));
  }
  RETURN_IF_ERROR(controller ? check_own_quorum() : check_other_quorum());
  if (get_bool("remote.log.storage.system.enable")) {
    return make_error(
        ErrorKind::kInvalid,
        "remote.log.storage.system.enable=true: Milena has no tiered storage, so records in a remote store could not "
        "be read. Start this node with Kafka, or set it to false");
  }
  return ok_status();
}

Status Settings::check_own_quorum() const {
  for (ByteView name : {ByteView("controller.quorum.voters"), ByteView("controller.quorum.bootstrap.servers")}) {
    std::vector<Bytes> controllers = get_list(name);
    if (controllers.size() <= 1) continue;
    return make_error(ErrorKind::kInvalid,
                      "{}={}: expected one controller, found {}; a Milena controller is the only one of its quorum. "
                      "Name only this node, or use Apache Kafka's controllers and set process.roles=broker here",
                      name, get_string(name), controllers.size());
  }
  for (const Bytes& voter : get_list("controller.quorum.voters")) {
    std::string own = fmt::format("{}@", get_int("node.id"));
    if (voter.starts_with(own)) continue;
    return make_error(ErrorKind::kInvalid,
                      "controller.quorum.voters={}: expected this node (node.id={}), as in {}localhost:9093", voter,
                      get_int("node.id"), own);
  }
  if (!has_role("broker") && get_list("controller.listener.names").empty()) {
    return make_error(ErrorKind::kInvalid,
                      "process.roles=controller: expected controller.listener.names to name a listener, or no client "
                      "can connect");
  }
  return ok_status();
}

Status Settings::check_other_quorum() const {
  const std::vector<Bytes> voters = get_list("controller.quorum.voters");
  if (voters.empty() && get_list("controller.quorum.bootstrap.servers").empty()) {
    return make_error(ErrorKind::kInvalid,
                      "process.roles=broker: expected the addresses of the controllers in "
                      "controller.quorum.bootstrap.servers or controller.quorum.voters; a single node has "
                      "process.roles=broker,controller");
  }
  for (const Bytes& voter : voters) {
    if (!voter.starts_with(fmt::format("{}@", get_int("node.id")))) continue;
    return make_error(ErrorKind::kInvalid,
                      "controller.quorum.voters={}: expected only other nodes, found this one (node.id={}), which is "
                      "only a broker",
                      get_string("controller.quorum.voters"), get_int("node.id"));
  }
  return ok_status();
}

const Settings::Value& Settings::value(ByteView name) const {
  const ConfigDef* def = find_broker_config(name);
  CHECK(def != nullptr, "there is no setting {}", name);
  return values_[config_index(*def)];
}

int64_t Settings::number(ByteView name) const {
  const Value& found = value(name);
  CHECK(found.text.has_value(), "the setting {} has no value", name);
  return found.number;
}

bool Settings::get_bool(ByteView name) const {
  CHECK(find_broker_config(name) && find_broker_config(name)->type == ConfigType::kBoolean, "{}", name);
  return number(name) != 0;
}

int32_t Settings::get_int(ByteView name) const {
  ConfigType type = find_broker_config(name) ? find_broker_config(name)->type : ConfigType::kString;
  CHECK(type == ConfigType::kInt || type == ConfigType::kShort, "{} is no int", name);
  return static_cast<int32_t>(number(name));
}

int64_t Settings::get_long(ByteView name) const {
  ConfigType type = find_broker_config(name) ? find_broker_config(name)->type : ConfigType::kString;
  CHECK(type == ConfigType::kInt || type == ConfigType::kShort || type == ConfigType::kLong, "{} is not a number",
        name);
  return number(name);
}

double Settings::get_double(ByteView name) const { return parse_double(get_string(name)).value(); }

const Bytes& Settings::get_string(ByteView name) const {
  const Value& found = value(name);
  CHECK(found.text.has_value(), "the setting {} has no value", name);
  return *found.text;
}

std::vector<Bytes> Settings::get_list(ByteView name) const {
  const Value& found = value(name);
  return found.text ? parse_list(*found.text) : std::vector<Bytes>();
}

}  // namespace milena::config
