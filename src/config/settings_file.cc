#include "config/settings_file.h"

#include "base/file.h"

namespace milena::config {

Result<std::vector<Property>> read_settings_file(const std::string& path) {
  Result<Bytes> content = posix_file_system().read_file(path);
  if (!content.ok()) {
    return make_error(content.error().kind, "cannot read the configuration file: {}", content.error().message);
  }
  bool yaml = path.ends_with(".yaml") || path.ends_with(".yml");
  Result<std::vector<Property>> settings = yaml ? parse_yaml_settings(*content) : parse_properties(*content);
  if (!settings.ok()) return make_error(ErrorKind::kInvalid, "{}: {}", path, settings.error().message);
  return settings;
}

}  // namespace milena::config
