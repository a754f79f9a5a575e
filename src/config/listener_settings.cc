#include "config/listener_settings.h"

#include "base/ascii.h"
#include "config/config_listeners.h"
#include "config/config_values.h"

namespace milena::config {

ListenerSettings::ListenerSettings(const Settings& settings, ByteView listener_name)
    : settings_(settings), prefix_(listener_prefix(listener_name)) {}

std::optional<ListenerSettings::Found> ListenerSettings::other(const Bytes& key) const {
  auto found = settings_.others().find(key);
  if (found == settings_.others().end()) return std::nullopt;
  return Found{key, Bytes(trim_blanks(found->second)), settings_.origin_of_other(key)};
}

Bytes ListenerSettings::key_of(ByteView mechanism, ByteView name) const {
  return prefix_ + (mechanism.empty() ? Bytes() : ascii_lower(mechanism) + ".") + Bytes(name);
}

std::optional<ListenerSettings::Found> ListenerSettings::find_own(ByteView mechanism, ByteView name) const {
  if (auto found = other(key_of(mechanism, name))) return found;
  return mechanism.empty() ? std::nullopt : other(ascii_lower(mechanism) + "." + Bytes(name));
}

std::optional<ListenerSettings::Found> ListenerSettings::find(ByteView mechanism, ByteView name) const {
  if (auto found = find_own(mechanism, name)) return found;
  if (auto found = other(key_of({}, name))) return found;
  if (find_broker_config(name) == nullptr) return other(Bytes(name));
  const std::optional<Bytes>& text = settings_.text(name);
  if (!text) return std::nullopt;
  return Found{Bytes(name), *text, settings_.origin(name)};
}

Error ListenerSettings::mistake(const Found& found, bool secret, ByteView expected) {
  return make_error(ErrorKind::kInvalid, "{}={} ({}): {}", found.key, secret ? ByteView("[hidden]") : found.text,
                    found.origin, expected);
}

Result<std::optional<ListenerSettings::Found>> ListenerSettings::checked(ByteView mechanism, ByteView name) const {
  std::optional<Found> found = find(mechanism, name);
  if (!found) return found;
  const ConfigDef* def = find_broker_config(name);
  CHECK(def != nullptr, "there is no setting {}", name);
  Status good = check_config_value(*def, found->text);
  if (good.ok()) return found;
  return mistake(*found, def->type == ConfigType::kPassword, good.error().message);
}

Result<int64_t> ListenerSettings::number(ByteView mechanism, ByteView name) const {
  auto found = checked(mechanism, name);
  RETURN_IF_ERROR(found);
  CHECK(*found, "the setting {} has no default", name);
  return parse_integer((*found)->text).value();
}

Result<std::vector<Bytes>> ListenerSettings::list(ByteView mechanism, ByteView name) const {
  auto found = checked(mechanism, name);
  RETURN_IF_ERROR(found);
  return *found ? parse_list((*found)->text) : std::vector<Bytes>();
}

}  // namespace milena::config
