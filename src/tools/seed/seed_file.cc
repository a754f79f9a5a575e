#include "tools/seed/seed_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/file.h"
#include "base/sha2.h"
#include "config/config_values.h"
#include "tools/kafka/script.h"
#include "tools/records/record_json.h"

namespace milena::tools {
namespace {

// Limit for each file that a seed file names.
constexpr size_t kMaxBytes = 256 << 20;

class SeedReader {
 public:
  explicit SeedReader(std::string path) : path_(std::move(path)) {}

  Result<Seed> read();

 private:
  template <class... Args>
  Error wrong(const YAML::Mark& mark, fmt::format_string<Args...> text, Args&&... args) const {
    return make_error(ErrorKind::kInvalid, "{}:{}:{}: {}", path_, mark.line + 1, mark.column + 1,
                      fmt::format(text, std::forward<Args>(args)...));
  }

  Result<Bytes> read_file(const std::string& path);
  // The path relative to the seed file, unless it begins with a slash.
  std::string beside(const std::string& name) const;

  // Checks that a node is a map with only these keys.
  Status check_map(const YAML::Node& node, const char* what, std::initializer_list<const char*> keys) const;
  Result<std::string> text(const YAML::Node& map, const char* key, bool needed) const;
  Result<int32_t> number(const YAML::Node& map, const char* key, int32_t most) const;
  // One text, or several.
  Result<std::vector<std::string>> texts(const YAML::Node& map, const char* key, bool needed) const;
  // Calls `take` for each element of a key's list.
  Status each(const YAML::Node& root, const char* key, Status (SeedReader::*take)(const YAML::Node&));

  Status take_topic(const YAML::Node& node);
  Status take_records(const YAML::Node& records, Seed::Topic& topic);
  Result<TextRecord> inline_record(const YAML::Node& node) const;
  Status take_user(const YAML::Node& node);
  Status take_acl(const YAML::Node& node);
  Status take_quota(const YAML::Node& node);

  const std::string path_;
  Seed seed_;
  Bytes digested_;
};

Result<Bytes> SeedReader::read_file(const std::string& path) {
  Result<Bytes> content = posix_file_system().read_file(path);
  if (!content.ok()) return content;
  if (content->size() > kMaxBytes) {
    return make_error(ErrorKind::kInvalid, "{} has {} bytes: expected at most {}", path, content->size(), kMaxBytes);
  }
  digested_ += sha2_digest(Sha2::k256, *content);
  return content;
}

std::string SeedReader::beside(const std::string& name) const {
  const size_t slash = path_.rfind('/');
  return name.starts_with('/') || slash == std::string::npos ? name : path_.substr(0, slash + 1) + name;
}

Status SeedReader::check_map(const YAML::Node& node, const char* what, std::initializer_list<const char*> keys) const {
  const std::string expected = fmt::format("{}", fmt::join(keys, ", "));
  if (!node.IsMap()) return wrong(node.Mark(), "{}: expected keys and values ({})", what, expected);
  for (const auto& entry : node) {
    const bool known = entry.first.IsScalar() && std::any_of(keys.begin(), keys.end(), [&](const char* key) {
                         return entry.first.Scalar() == key;
                       });
    if (known) continue;
    const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "a key that is not a text";
    return wrong(entry.first.Mark(), "{}: {}: expected one of {}", what, name, expected);
  }
  return ok_status();
}

Result<std::string> SeedReader::text(const YAML::Node& map, const char* key, bool needed) const {
  const YAML::Node node = map[key];
  if (!node || node.IsNull()) {
    if (needed) return wrong(map.Mark(), "{} is missing", key);
    return std::string();
  }
  if (!node.IsScalar()) return wrong(node.Mark(), "{}: expected a text", key);
  if (needed && node.Scalar().empty()) return wrong(node.Mark(), "{} is empty", key);
  return node.Scalar();
}

Result<int32_t> SeedReader::number(const YAML::Node& map, const char* key, int32_t most) const {
  const YAML::Node node = map[key];
  if (!node || node.IsNull()) return -1;  // the broker's default
  const std::optional<int64_t> value = node.IsScalar() ? config::parse_integer(node.Scalar()) : std::nullopt;
  if (!value || *value < 1 || *value > most) {
    return wrong(node.Mark(), "{}: {}: expected a number from 1 to {}", key,
                 node.IsScalar() ? node.Scalar() : "no number", most);
  }
  return static_cast<int32_t>(*value);
}

Result<std::vector<std::string>> SeedReader::texts(const YAML::Node& map, const char* key, bool needed) const {
  const YAML::Node node = map[key];
  std::vector<std::string> all;
  if (node && node.IsScalar()) {
    all.push_back(node.Scalar());
  } else if (node && node.IsSequence()) {
    for (const YAML::Node& one : node) {
      if (!one.IsScalar()) return wrong(one.Mark(), "{}: expected a text, or a list of texts", key);
      all.push_back(one.Scalar());
    }
  } else if (node && !node.IsNull()) {
    return wrong(node.Mark(), "{}: expected a text, or a list of texts", key);
  }
  if (needed && all.empty()) return wrong(map.Mark(), "{} is missing", key);
  return all;
}

Status SeedReader::each(const YAML::Node& root, const char* key, Status (SeedReader::*take)(const YAML::Node&)) {
  const YAML::Node list = root[key];
  if (!list || list.IsNull()) return ok_status();
  if (!list.IsSequence()) return wrong(list.Mark(), "{}: expected a list", key);
  for (const YAML::Node& node : list) RETURN_IF_ERROR((this->*take)(node));
  return ok_status();
}

Status SeedReader::take_topic(const YAML::Node& node) {
  Seed::Topic& topic = seed_.topics.emplace_back();
  if (node.IsScalar()) {
    topic.topic.name = node.Scalar();
    return ok_status();
  }
  RETURN_IF_ERROR(check_map(node, "topics", {"name", "partitions", "replicas", "configs", "records"}));
  auto name = text(node, "name", true);
  RETURN_IF_ERROR(name);
  auto partitions = number(node, "partitions", INT32_MAX), replicas = number(node, "replicas", INT16_MAX);
  RETURN_IF_ERROR(partitions);
  RETURN_IF_ERROR(replicas);
  topic.topic.name = name.take();
  topic.topic.partitions = *partitions;
  topic.topic.replication_factor = static_cast<int16_t>(*replicas);
  if (const YAML::Node configs = node["configs"]; configs && !configs.IsNull()) {
    if (!configs.IsMap()) return wrong(configs.Mark(), "configs: expected keys and values (cleanup.policy: compact)");
    for (const auto& entry : configs) {
      if (!entry.first.IsScalar() || !entry.second.IsScalar()) {
        return wrong(entry.first.Mark(), "configs: expected a key and a value (cleanup.policy: compact)");
      }
      topic.topic.configs[entry.first.Scalar()] = entry.second.Scalar();
    }
  }
  if (const YAML::Node records = node["records"]; records && !records.IsNull()) return take_records(records, topic);
  return ok_status();
}

Status SeedReader::take_records(const YAML::Node& records, Seed::Topic& topic) {
  if (records.IsSequence()) {
    for (const YAML::Node& node : records) {
      auto record = inline_record(node);
      RETURN_IF_ERROR(record);
      topic.records.push_back(record.take());
    }
    return ok_status();
  }
  if (!records.IsScalar()) return wrong(records.Mark(), "records: expected a file of JSON lines, or a list");
  const std::string file = beside(records.Scalar());
  auto content = read_file(file);
  if (!content.ok()) return wrong(records.Mark(), "records: {}", content.error().message);
  int64_t line = 0;
  for (size_t at = 0; at < content->size();) {
    const size_t end = std::min(content->find('\n', at), content->size());
    const std::string one = content->substr(at, end - at);
    at = end + 1;
    line++;
    if (one.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto record = record_from_json(one, line);
    if (!record.ok()) return make_error(ErrorKind::kInvalid, "{}: {}", file, record.error().message);
    record->topic.clear();
    topic.records.push_back(record.take());
  }
  return ok_status();
}

Result<TextRecord> SeedReader::inline_record(const YAML::Node& node) const {
  TextRecord record;
  if (node.IsScalar()) {
    record.value = node.Scalar();
    return record;
  }
  RETURN_IF_ERROR(check_map(node, "records", {"key", "value", "headers", "partition"}));
  for (const auto& [key, to] : {std::pair{"key", &record.key}, std::pair{"value", &record.value}}) {
    const YAML::Node part = node[key];
    if (!part || part.IsNull()) continue;
    if (!part.IsScalar()) return wrong(part.Mark(), "{}: expected a text", key);
    *to = part.Scalar();
  }
  if (const YAML::Node headers = node["headers"]; headers && !headers.IsNull()) {
    if (!headers.IsMap()) return wrong(headers.Mark(), "headers: expected keys and values");
    for (const auto& entry : headers) {
      if (!entry.first.IsScalar() || !entry.second.IsScalar()) {
        return wrong(entry.first.Mark(), "headers: expected a key and a value");
      }
      record.headers.emplace_back(entry.first.Scalar(), entry.second.Scalar());
    }
  }
  if (const YAML::Node partition = node["partition"]; partition && !partition.IsNull()) {
    const auto value = partition.IsScalar() ? config::parse_integer(partition.Scalar()) : std::nullopt;
    if (!value || *value < 0 || *value > INT32_MAX) {
      return wrong(partition.Mark(), "partition: expected a number from 0 on");
    }
    record.partition = static_cast<int32_t>(*value);
  }
  return record;
}

Status SeedReader::take_user(const YAML::Node& node) {
  RETURN_IF_ERROR(check_map(node, "users", {"name", "password", "password-file", "mechanisms"}));
  auto name = text(node, "name", true);
  auto password = text(node, "password", false), file = text(node, "password-file", false);
  auto mechanisms = texts(node, "mechanisms", false);
  RETURN_IF_ERROR(name);
  RETURN_IF_ERROR(password);
  RETURN_IF_ERROR(file);
  RETURN_IF_ERROR(mechanisms);
  if (password->empty() == file->empty()) return wrong(node.Mark(), "{}: expected password or password-file", *name);
  Seed::User& user = seed_.users.emplace_back();
  user.name = name.take();
  user.password = password.take();
  if (!file->empty()) {
    auto content = read_file(beside(*file));
    if (!content.ok()) return wrong(node.Mark(), "password-file: {}", content.error().message);
    user.password = content->substr(0, content->find_first_of("\r\n"));
    if (user.password.empty()) return wrong(node.Mark(), "password-file: {} has no password in its first line", *file);
  }
  for (const std::string& text : *mechanisms) {
    auto mechanism = security::parse_scram_mechanism(text);
    if (!mechanism) return wrong(node.Mark(), "mechanisms: {}: expected SCRAM-SHA-256 or SCRAM-SHA-512", text);
    user.mechanisms.push_back(*mechanism);
  }
  if (user.mechanisms.empty()) user.mechanisms = {security::ScramMechanism::kSha256, security::ScramMechanism::kSha512};
  return ok_status();
}

Status SeedReader::take_acl(const YAML::Node& node) {
  RETURN_IF_ERROR(check_map(node, "acls", {"allow", "deny", "operations", "resources", "prefixed", "host"}));
  auto allow = texts(node, "allow", false), deny = texts(node, "deny", false);
  auto operations = texts(node, "operations", true), resources = texts(node, "resources", true);
  auto host = text(node, "host", false), prefixed = text(node, "prefixed", false);
  for (const auto* list : {&allow, &deny, &operations, &resources}) {
    if (!list->ok()) return list->error();
  }
  RETURN_IF_ERROR(host);
  RETURN_IF_ERROR(prefixed);
  if (allow->empty() == deny->empty()) return wrong(node.Mark(), "expected allow or deny, with a user");
  if (!prefixed->empty() && *prefixed != "true" && *prefixed != "false") {
    return wrong(node["prefixed"].Mark(), "prefixed: {}: expected true or false", *prefixed);
  }
  for (const std::string& of : *resources) {
    auto resource = parse_acl_resource(of, *prefixed == "true");
    if (!resource.ok()) return wrong(node["resources"].Mark(), "resources: {}", resource.error().message);
    for (const std::string& name : *operations) {
      auto operation = parse_acl_operation(name);
      if (!operation) return wrong(node["operations"].Mark(), "operations: {}: expected read, write, ... or all", name);
      for (const std::string& who : allow->empty() ? *deny : *allow) {
        seed_.acls[*resource].insert({is_principal(who) ? who : "User:" + who, host->empty() ? "*" : *host, *operation,
                                      allow->empty() ? AclPermissionType::kDeny : AclPermissionType::kAllow});
      }
    }
  }
  return ok_status();
}

Status SeedReader::take_quota(const YAML::Node& node) {
  if (!node.IsMap()) return wrong(node.Mark(), "quotas: expected keys and values (user: alice)");
  constexpr std::pair<const char*, const char*> kEntities[] = {{"user", "users"}, {"client-id", "clients"},
                                                               {"ip", "ips"}};
  Seed::Quota& quota = seed_.quotas.emplace_back();
  for (const auto& [key, type] : kEntities) {
    const YAML::Node name = node[key];
    if (!name) continue;
    if (!name.IsScalar()) return wrong(name.Mark(), "{}: expected a name, or default", key);
    // The name "default" means the default entity.
    const bool of_all = name.Scalar() == "default";
    quota.entities.push_back({type, of_all ? std::optional<std::string>() : name.Scalar()});
  }
  if (quota.entities.empty()) return wrong(node.Mark(), "quotas: expected user, client-id or ip");
  for (const auto& entry : node) {
    if (!entry.first.IsScalar() || !entry.second.IsScalar()) {
      return wrong(entry.first.Mark(), "quotas: expected a key and a value (producer_byte_rate: 1048576)");
    }
    const bool names = std::any_of(std::begin(kEntities), std::end(kEntities),
                                   [&](const auto& entity) { return entry.first.Scalar() == entity.first; });
    if (!names) quota.values[entry.first.Scalar()] = entry.second.Scalar();
  }
  if (quota.values.empty()) return wrong(node.Mark(), "quotas: expected a limit (producer_byte_rate: 1048576)");
  return ok_status();
}

Result<Seed> SeedReader::read() {
  auto content = read_file(path_);
  RETURN_IF_ERROR(content);
  try {
    const YAML::Node root = YAML::Load(*content);
    if (root.IsNull()) return make_error(ErrorKind::kInvalid, "{}: the file is empty", path_);
    RETURN_IF_ERROR(check_map(root, "a seed file", {"topics", "users", "acls", "quotas"}));
    RETURN_IF_ERROR(each(root, "topics", &SeedReader::take_topic));
    RETURN_IF_ERROR(each(root, "users", &SeedReader::take_user));
    RETURN_IF_ERROR(each(root, "acls", &SeedReader::take_acl));
    RETURN_IF_ERROR(each(root, "quotas", &SeedReader::take_quota));
  } catch (const YAML::Exception& exception) {
    // The library reports errors only by exceptions; they do not leave this function.
    return wrong(exception.mark, "{}", exception.msg);
  }
  seed_.digest = base64(sha2_digest(Sha2::k256, digested_));
  return std::move(seed_);
}

}  // namespace

Result<Seed> read_seed(const std::string& path) { return SeedReader(path).read(); }

}  // namespace milena::tools
