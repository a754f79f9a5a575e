#include "tools/words.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace milena {
namespace {

constexpr char kUsualServer[] = "localhost:9092";

}  // namespace

int complain(const std::string& message) {
  std::fprintf(stderr, "milena: %s\n", message.c_str());
  return 1;
}

ToolWords::ToolWords(std::span<const char* const> words, std::initializer_list<const char*> options,
                     std::initializer_list<const char*> flags) {
  auto is_one_of = [](std::initializer_list<const char*> names, const std::string& word) {
    return std::any_of(names.begin(), names.end(), [&](const char* name) { return word == name; });
  };
  for (size_t i = 0; i < words.size(); i++) {
    std::string word = words[i];
    size_t equals = word.find('=');
    std::string name = word.substr(0, equals);
    if (is_one_of(flags, word)) {
      values_[word];
    } else if (is_one_of(options, name) && equals != std::string::npos) {
      values_[name].push_back(word.substr(equals + 1));
    } else if (is_one_of(options, word) && i + 1 < words.size()) {
      values_[word].push_back(words[++i]);
    } else if (mistake_.empty()) {
      mistake_ = is_one_of(options, word) ? word + ": expected a value behind it" : word + ": no such option";
    }
  }
}

std::string ToolWords::value(const std::string& name) const {
  auto found = values_.find(name);
  return found == values_.end() || found->second.empty() ? std::string() : found->second.back();
}

std::vector<std::string> ToolWords::values(const std::string& name) const {
  auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

Result<std::unique_ptr<BrokerClient>> ToolWords::connect() const {
  if (!mistake_.empty()) return make_error(ErrorKind::kInvalid, "{}", mistake_);
  std::string server = has("--bootstrap-server") ? value("--bootstrap-server") : kUsualServer;
  Result<BrokerAddress> address = parse_broker_address(server);
  if (!address.ok()) return address.error();
  return BrokerClient::connect(*address, kCommandTimeoutMs);
}

}  // namespace milena
