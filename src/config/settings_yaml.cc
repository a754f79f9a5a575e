#include <yaml-cpp/yaml.h>

#include "config/settings_file.h"

namespace milena::config {
namespace {

constexpr int kMaxDepth = 32;

Status add_node(const Bytes& key, const YAML::Node& node, int depth, std::vector<Property>& settings);

Status add_map(const Bytes& prefix, const YAML::Node& map, int depth, std::vector<Property>& settings) {
  if (depth > kMaxDepth) return make_error(ErrorKind::kInvalid, "nested deeper than {} levels", kMaxDepth);
  for (const auto& entry : map) {
    if (!entry.first.IsScalar()) return make_error(ErrorKind::kInvalid, "{}: a key must be a text", prefix);
    Bytes key = prefix.empty() ? entry.first.Scalar() : prefix + "." + entry.first.Scalar();
    RETURN_IF_ERROR(add_node(key, entry.second, depth, settings));
  }
  return ok_status();
}

Status add_node(const Bytes& key, const YAML::Node& node, int depth, std::vector<Property>& settings) {
  int line = node.Mark().line + 1;
  switch (node.Type()) {
    case YAML::NodeType::Map:
      return add_map(key, node, depth + 1, settings);
    case YAML::NodeType::Scalar:
      settings.push_back({key, node.Scalar(), line});
      return ok_status();
    case YAML::NodeType::Sequence: {
      Bytes joined;
      for (size_t i = 0; i < node.size(); i++) {
        if (!node[i].IsScalar()) return make_error(ErrorKind::kInvalid, "line {}: {}: a list of texts", line, key);
        joined += (i == 0 ? "" : ",") + node[i].Scalar();
      }
      settings.push_back({key, joined, line});
      return ok_status();
    }
    default:
      // A key without a value is ignored.
      return ok_status();
  }
}

}  // namespace

Result<std::vector<Property>> parse_yaml_settings(const Bytes& content) {
  std::vector<Property> settings;
  try {
    YAML::Node root = YAML::Load(content);
    if (root.IsNull()) return settings;
    if (!root.IsMap()) return make_error(ErrorKind::kInvalid, "expected keys and values (num.partitions: 3)");
    RETURN_IF_ERROR(add_map("", root, 0, settings));
  } catch (const YAML::Exception& exception) {
    // The library reports errors only by exceptions; they do not leave this function.
    return make_error(ErrorKind::kInvalid, "line {}: {}", exception.mark.line + 1, exception.msg);
  }
  return settings;
}

}  // namespace milena::config
