#include "metadata/client_quotas.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/ip_address.h"

namespace milena::metadata {
namespace {

constexpr int8_t kExact = 0, kDefault = 1, kSpecified = 2;

enum class QuotaNumber { kInt, kLong, kDouble };

struct QuotaKey {
  ByteView name;
  bool of_ip;
  QuotaNumber number;
};

constexpr QuotaKey kQuotaKeys[] = {
    {kProducerByteRate, false, QuotaNumber::kLong},         {kConsumerByteRate, false, QuotaNumber::kLong},
    {kRequestPercentage, false, QuotaNumber::kDouble},      {kControllerMutationRate, false, QuotaNumber::kDouble},
    {kConnectionCreationRate, true, QuotaNumber::kInt},
};

// A filter's condition on one entity type. No match: any name, the default included.
struct Filter {
  bool exact = false;
  std::optional<Bytes> match;
};
using Filters = std::map<Bytes, Filter>;

struct FilterError {
  ErrorCode code;
  Bytes message;
};

std::optional<FilterError> read_filter(const DescribeClientQuotasRequest::ComponentData& component, Filters& filters) {
  ByteView type = component.entity_type;
  if (type.empty()) return FilterError{ErrorCode::kInvalidRequest, "Invalid empty entity type."};
  if (filters.contains(Bytes(type))) {
    return FilterError{ErrorCode::kInvalidRequest,
                       fmt::format("Entity type {} cannot appear more than once in the filter.", type)};
  }
  if (type != kQuotaUser && type != kQuotaClientId && type != kQuotaIp) {
    return FilterError{ErrorCode::kUnsupportedVersion, fmt::format("Unsupported entity type {}", type)};
  }
  Filter filter;
  switch (component.match_type) {
    case kExact:
      if (!component.match) {
        return FilterError{ErrorCode::kInvalidRequest,
                           "Request specified MATCH_TYPE_EXACT, but set match string to null."};
      }
      filter = {true, Bytes(*component.match)};
      break;
    case kDefault:
      if (component.match) {
        return FilterError{ErrorCode::kInvalidRequest,
                           "Request specified MATCH_TYPE_DEFAULT, but also specified a match string."};
      }
      filter.exact = true;
      break;
    case kSpecified:
      if (component.match) {
        return FilterError{ErrorCode::kInvalidRequest,
                           "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string."};
      }
      break;
    default:
      return FilterError{ErrorCode::kInvalidRequest,
                         fmt::format("Unknown match type {}", static_cast<int>(component.match_type))};
  }
  filters.emplace(type, std::move(filter));
  return std::nullopt;
}

std::optional<FilterError> read_filters(const DescribeClientQuotasRequest& request, Filters& filters) {
  for (const auto& component : request.components) {
    if (auto error = read_filter(component, filters)) return error;
  }
  if (filters.contains(Bytes(kQuotaIp)) && filters.size() > 1) {
    return FilterError{ErrorCode::kInvalidRequest,
                       "Invalid entity filter component combination. IP filter component should not be used with user "
                       "or clientId filter component."};
  }
  return std::nullopt;
}

bool passes(const QuotaEntity& entity, const Filters& filters, bool strict) {
  if (strict && entity.size() != filters.size()) return false;
  return std::all_of(filters.begin(), filters.end(), [&entity](const auto& entry) {
    auto found = entity.find(entry.first);
    return found != entity.end() && (!entry.second.exact || found->second == entry.second.match);
  });
}

}  // namespace

std::optional<ClientQuota> find_client_quota(const std::map<QuotaEntity, QuotaMap>& quotas, ByteView key, ByteView user,
                                             ByteView client_id) {
  if (quotas.empty()) return std::nullopt;
  const std::optional<Bytes> any;
  const std::optional<Bytes> this_user{Bytes(user)}, this_client{Bytes(client_id)};
  const Bytes key_text(key), user_type(kQuotaUser), client_type(kQuotaClientId);
  auto look = [&](const QuotaEntity& entity) -> const double* {
    auto found = quotas.find(entity);
    if (found == quotas.end()) return nullptr;
    auto value = found->second.find(key_text);
    return value == found->second.end() ? nullptr : &value->second;
  };
  for (const auto& of_user : {this_user, any}) {
    for (const auto& of_client : {this_client, any}) {
      if (const double* bound = look({{user_type, of_user}, {client_type, of_client}})) {
        return ClientQuota{*bound, Bytes(user), Bytes(client_id)};
      }
    }
    if (const double* bound = look({{user_type, of_user}})) return ClientQuota{*bound, Bytes(user), {}};
  }
  for (const auto& of_client : {this_client, any}) {
    if (const double* bound = look({{client_type, of_client}})) return ClientQuota{*bound, {}, Bytes(client_id)};
  }
  return std::nullopt;
}

namespace {

// The name is as its author wrote it: an IPv6 address has many forms.
std::map<QuotaEntity, QuotaMap>::const_iterator find_address(const std::map<QuotaEntity, QuotaMap>& quotas,
                                                             ByteView ip) {
  auto found = quotas.find(QuotaEntity{{Bytes(kQuotaIp), Bytes(ip)}});
  if (found != quotas.end() || ip.find(':') == ByteView::npos) return found;
  for (found = quotas.lower_bound(QuotaEntity{{Bytes(kQuotaIp), std::nullopt}}); found != quotas.end(); ++found) {
    const auto& [type, name] = *found->first.begin();
    if (type != kQuotaIp) return quotas.end();
    if (!name || name->find(':') == Bytes::npos) continue;
    const auto address = IpAddress::parse(*name);
    if (address && address->to_string() == ip) return found;
  }
  return found;
}

}  // namespace

std::optional<double> find_ip_quota(const std::map<QuotaEntity, QuotaMap>& quotas, ByteView ip) {
  for (const auto& found : {find_address(quotas, ip), quotas.find(QuotaEntity{{Bytes(kQuotaIp), std::nullopt}})}) {
    if (found == quotas.end()) continue;
    auto value = found->second.find(Bytes(kConnectionCreationRate));
    if (value != found->second.end()) return value->second;
  }
  return std::nullopt;
}

DescribeClientQuotasResponse describe_client_quotas(const std::map<QuotaEntity, QuotaMap>& quotas,
                                                    const DescribeClientQuotasRequest& request) {
  DescribeClientQuotasResponse response;
  Filters filters;
  if (auto error = read_filters(request, filters)) {
    response.error_code = error->code;
    response.error_message = std::move(error->message);
    response.entries.reset();
    return response;
  }
  response.entries.emplace();
  for (const auto& [entity, values] : quotas) {
    if (!passes(entity, filters, request.strict)) continue;
    auto& entry = response.entries->emplace_back();
    for (const auto& [type, name] : entity) entry.entity.push_back({type, name});
    for (const auto& [key, value] : values) entry.values.push_back({key, value});
  }
  return response;
}

std::optional<Bytes> refuse_quota_value(bool of_ip, ByteView key, double value) {
  const QuotaKey* found = std::find_if(std::begin(kQuotaKeys), std::end(kQuotaKeys), [&](const QuotaKey& known) {
    return known.name == key && known.of_ip == of_ip;
  });
  if (found == std::end(kQuotaKeys)) return fmt::format("Invalid configuration key {}", key);
  if (!(value > 0)) return fmt::format("Quota {} must be greater than 0", key);
  if (found->number == QuotaNumber::kDouble) return std::nullopt;
  bool is_int = found->number == QuotaNumber::kInt;
  if (value > (is_int ? 2147483647.0 : 9223372036854775807.0)) {
    return fmt::format("Proposed value for {} is too large for {}.", key, is_int ? "an INT" : "a LONG");
  }
  if (std::abs(value - std::round(value)) > 1e-6) return fmt::format("{} cannot be a fractional value.", key);
  return std::nullopt;
}

}  // namespace milena::metadata
