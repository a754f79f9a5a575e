#include "log/format/meta_properties.h"

#include <algorithm>
#include <charconv>

#include "base/properties.h"

namespace milena::log {
namespace {

bool is_reserved(const Uuid& id) { return id.hi == 0 && id.lo < 100; }

}  // namespace

bool is_possible_cluster_id(ByteView text) {
  constexpr size_t kLongest = 255;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

Bytes encode_meta_properties(const MetaProperties& properties) {
  Bytes text = fmt::format("#\nversion=1\ncluster.id={}\nnode.id={}\n", properties.cluster_id, properties.node_id);
  if (properties.directory_id) text += fmt::format("directory.id={}\n", properties.directory_id->to_string());
  return text;
}

Result<MetaProperties> decode_meta_properties(ByteView file) {
  Result<std::vector<Property>> lines = parse_properties(file);
  if (!lines.ok()) return make_error(ErrorKind::kCorrupt, "meta.properties: {}", lines.error().message);
  const std::vector<Property>& in = *lines;
  MetaProperties out;
  const Bytes* version = find_property(in, "version");
  if (version != nullptr && *version != "0" && *version != "1") {
    return make_error(ErrorKind::kUnsupported, "meta.properties: version={}, expected 0 or 1", *version);
  }
  out.version = version != nullptr && *version == "1" ? 1 : 0;
  const Bytes* cluster_id = find_property(in, "cluster.id");
  const Bytes* node_id = find_property(in, out.version == 1 ? "node.id" : "broker.id");
  if (cluster_id != nullptr) out.cluster_id = *cluster_id;
  if (node_id != nullptr) {
    const char* end = node_id->data() + node_id->size();
    auto [stop, error] = std::from_chars(node_id->data(), end, out.node_id);
    if (error != std::errc() || stop != end || out.node_id < 0) {
      return make_error(ErrorKind::kCorrupt, "meta.properties: node.id={}, expected a number from 0", *node_id);
    }
  }
  if (node_id == nullptr) {
    return make_error(ErrorKind::kCorrupt, "meta.properties: version {} must have {}", out.version,
                      out.version == 1 ? "node.id" : "broker.id");
  }
  if (out.cluster_id.empty()) return make_error(ErrorKind::kCorrupt, "meta.properties: cluster.id is missing");
  if (const Bytes* directory_id = find_property(in, "directory.id")) {
    out.directory_id = Uuid::parse(*directory_id);
    if (!out.directory_id || is_reserved(*out.directory_id)) {
      return make_error(ErrorKind::kCorrupt, "meta.properties: directory.id={}, expected 22 characters of base64url",
                        *directory_id);
    }
  }
  return out;
}

}  // namespace milena::log
