#include "config/config_listeners.h"

#include <algorithm>
#include <set>

#include "base/ascii.h"
#include "base/ip_address.h"
#include "config/config_values.h"

namespace milena::config {
namespace {

Error endpoint_error(ByteView setting, ByteView text, ByteView expected) {
  return make_error(ErrorKind::kInvalid, "{}={}: expected {}", setting, text, expected);
}

bool is_host_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || ByteView("-%._:").find(c) != ByteView::npos;
}

Result<ListenerEndpoint> parse_listener_endpoint(ByteView setting, ByteView text) {
  constexpr ByteView kForm = "NAME://host:port, for instance PLAINTEXT://localhost:9092";
  size_t slashes = text.find("://");
  size_t colon = text.rfind(':');
  if (slashes == ByteView::npos || slashes == 0 || colon < slashes + 3) return endpoint_error(setting, text, kForm);
  ListenerEndpoint endpoint;
  endpoint.listener_name = ascii_upper(text.substr(0, slashes));
  ByteView host = text.substr(slashes + 3, colon - slashes - 3);
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  if (!std::all_of(host.begin(), host.end(), is_host_character)) return endpoint_error(setting, text, kForm);
  endpoint.host = host;
  auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return endpoint_error(setting, text, "a port from 0 to 65535");
  endpoint.port = static_cast<uint16_t>(*port);
  return endpoint;
}

struct ProtocolMap {
  std::vector<std::pair<std::string, std::string>> entries;

  const std::string* find(const std::string& name) const {
    for (const auto& entry : entries) {
      if (entry.first == name) return &entry.second;
    }
    return nullptr;
  }
};

Result<ProtocolMap> parse_protocol_map(const Settings& settings) {
  ProtocolMap map;
  for (const Bytes& item : settings.get_list("listener.security.protocol.map")) {
    size_t colon = item.rfind(':');
    std::string protocol = colon == Bytes::npos ? "" : ascii_upper(trim_blanks(ByteView(item).substr(colon + 1)));
    if (protocol != "PLAINTEXT" && protocol != "SSL" && protocol != "SASL_PLAINTEXT" && protocol != "SASL_SSL") {
      return make_error(ErrorKind::kInvalid,
                        "listener.security.protocol.map={}: expected NAME:PROTOCOL, with PLAINTEXT, SSL, "
                        "SASL_PLAINTEXT or SASL_SSL for PROTOCOL", item);
    }
    map.entries.emplace_back(ascii_upper(trim_blanks(ByteView(item).substr(0, colon))), protocol);
  }
  return map;
}

std::set<std::string> controller_names(const Settings& settings) {
  std::set<std::string> names;
  for (const Bytes& name : settings.get_list("controller.listener.names")) names.insert(ascii_upper(name));
  return names;
}

void drop_controller_listeners(const Settings& settings, std::vector<ListenerEndpoint>& endpoints) {
  std::set<std::string> names = controller_names(settings);
  std::erase_if(endpoints, [&](const ListenerEndpoint& endpoint) { return names.contains(endpoint.listener_name); });
}

// Looks up the protocol. A controller's listener needs no entry if the map is not set.
Status choose_protocol(const Settings& settings, const ProtocolMap& protocols, bool of_controller,
                       ListenerEndpoint& endpoint) {
  const Bytes& text = settings.get_string("listeners");
  const std::string* protocol = protocols.find(endpoint.listener_name);
  if (protocol != nullptr) {
    endpoint.protocol = *protocol;
  } else if (of_controller && !settings.is_set("listener.security.protocol.map")) {
    endpoint.protocol = "PLAINTEXT";
  } else {
    return make_error(ErrorKind::kInvalid,
                      "listeners={}: {} has no protocol; add {}:PLAINTEXT to listener.security.protocol.map", text,
                      endpoint.listener_name, endpoint.listener_name);
  }
  return ok_status();
}

}  // namespace

std::string listener_prefix(ByteView listener_name) {
  return "listener.name." + ascii_lower(listener_name) + ".";
}

Result<std::string> protocol_of_listener(const Settings& settings, ByteView listener_name, bool of_controller) {
  Result<ProtocolMap> protocols = parse_protocol_map(settings);
  RETURN_IF_ERROR(protocols);
  ListenerEndpoint endpoint;
  endpoint.listener_name = ascii_upper(listener_name);
  RETURN_IF_ERROR(choose_protocol(settings, *protocols, of_controller, endpoint));
  return endpoint.protocol;
}

Result<std::vector<ListenerEndpoint>> parse_listener_endpoints(ByteView setting, ByteView text) {
  std::vector<ListenerEndpoint> endpoints;
  for (const Bytes& item : parse_list(text)) {
    Result<ListenerEndpoint> endpoint = parse_listener_endpoint(setting, item);
    RETURN_IF_ERROR(endpoint);
    for (const ListenerEndpoint& other : endpoints) {
      if (other.listener_name == endpoint->listener_name) {
        return endpoint_error(setting, text, "each listener to have a name of its own");
      }
    }
    endpoints.push_back(endpoint.take());
  }
  return endpoints;
}

Result<std::vector<ListenerEndpoint>> broker_listeners(const Settings& settings) {
  const Bytes& text = settings.get_string("listeners");
  Result<std::vector<ListenerEndpoint>> endpoints = parse_listener_endpoints("listeners", text);
  RETURN_IF_ERROR(endpoints);
  drop_controller_listeners(settings, *endpoints);
  // A node that is only a controller serves no clients.
  if (endpoints->empty() && settings.has_role("broker")) {
    return endpoint_error("listeners", text, "at least one listener for clients");
  }
  Result<ProtocolMap> protocols = parse_protocol_map(settings);
  RETURN_IF_ERROR(protocols);
  for (ListenerEndpoint& endpoint : *endpoints) {
    RETURN_IF_ERROR(choose_protocol(settings, *protocols, false, endpoint));
    for (const ListenerEndpoint& other : *endpoints) {
      if (&other != &endpoint && other.port == endpoint.port && other.port != 0 && other.host == endpoint.host) {
        return endpoint_error("listeners", text, "each listener to have an address of its own");
      }
    }
  }
  return endpoints;
}

Result<std::vector<ListenerEndpoint>> controller_listeners(const Settings& settings) {
  Result<std::vector<ListenerEndpoint>> endpoints =
      parse_listener_endpoints("listeners", settings.get_string("listeners"));
  RETURN_IF_ERROR(endpoints);
  std::set<std::string> names = controller_names(settings);
  std::erase_if(*endpoints, [&](const ListenerEndpoint& endpoint) { return !names.contains(endpoint.listener_name); });
  Result<ProtocolMap> protocols = parse_protocol_map(settings);
  RETURN_IF_ERROR(protocols);
  for (ListenerEndpoint& endpoint : *endpoints) {
    RETURN_IF_ERROR(choose_protocol(settings, *protocols, true, endpoint));
  }
  return endpoints;
}

Result<ListenerEndpoint> parse_http_listener(const Bytes& item) {
  constexpr ByteView kPlain = "HTTP", kTls = "HTTPS", kMark = "://";
  const bool has_scheme = item.find(kMark) != Bytes::npos;
  auto endpoint = parse_listener_endpoint(kHttpListeners, has_scheme ? item : Bytes(kPlain) + Bytes(kMark) + item);
  if (!endpoint.ok() || (endpoint->listener_name != kPlain && endpoint->listener_name != kTls)) {
    return endpoint_error(kHttpListeners, item, "host:port or https://host:port, for instance 127.0.0.1:9644");
  }
  endpoint->protocol = endpoint->listener_name == kTls ? "SSL" : "PLAINTEXT";
  endpoint->listener_name = kHttpListener;
  return endpoint;
}

Result<std::vector<ListenerEndpoint>> http_listeners(const Settings& settings) {
  std::vector<ListenerEndpoint> endpoints;
  for (const Bytes& item : settings.get_list(kHttpListeners)) {
    auto endpoint = parse_http_listener(item);
    RETURN_IF_ERROR(endpoint);
    endpoints.push_back(endpoint.take());
  }
  return endpoints;
}

Result<std::vector<QuorumAddress>> quorum_addresses(const Settings& settings) {
  constexpr ByteView kVoterForm = "id@host:port, as in 1@localhost:9093";
  std::vector<QuorumAddress> addresses;
  for (ByteView name : {ByteView("controller.quorum.voters"), ByteView("controller.quorum.bootstrap.servers")}) {
    for (const Bytes& item : settings.get_list(name)) {
      const bool of_voters = name == "controller.quorum.voters";
      QuorumAddress address;
      ByteView rest = item;
      const size_t at = rest.find('@');
      if (of_voters) {
        const auto id = at == ByteView::npos ? std::nullopt : parse_integer(rest.substr(0, at));
        if (!id || *id < 0 || *id > INT32_MAX) return endpoint_error(name, item, kVoterForm);
        address.id = static_cast<int32_t>(*id);
        rest = rest.substr(at + 1);
      }
      auto endpoint = parse_listener_endpoint(name, "CONTROLLER://" + std::string(rest));
      if (!endpoint.ok() || endpoint->host.empty() || endpoint->port == 0) {
        return endpoint_error(name, item, of_voters ? kVoterForm : ByteView("host:port"));
      }
      address.host = endpoint->host;
      address.port = endpoint->port;
      addresses.push_back(std::move(address));
    }
    if (!addresses.empty()) break;
  }
  return addresses;
}

bool is_wildcard(ByteView host) { return host.empty() || host == "0.0.0.0" || host == "::"; }

bool is_loopback(ByteView host) {
  if (equals_ignoring_case(host, "localhost")) return true;
  const std::optional<IpAddress> address = IpAddress::parse(host);
  if (!address) return false;
  if (address->size == 4) return address->bytes[0] == 127;
  return address->bytes[15] == 1 && std::all_of(address->bytes.begin(), address->bytes.end() - 1,
                                                [](uint8_t byte) { return byte == 0; });
}

namespace {

// Without advertised.listeners clients get the addresses of `listeners`, as in Kafka; for a wildcard, the address that
// they connected to.
Result<AdvertisedListeners> advertised_by_listeners(const Settings& settings) {
  AdvertisedListeners result;
  Result<std::vector<ListenerEndpoint>> listeners = broker_listeners(settings);
  RETURN_IF_ERROR(listeners);
  for (const ListenerEndpoint& listener : *listeners) {
    if (!is_wildcard(listener.host)) result.endpoints.push_back(listener);
  }
  result.automatic = result.endpoints.size() < listeners->size();
  return result;
}

}  // namespace

Result<AdvertisedListeners> advertised_listeners(const Settings& settings) {
  AdvertisedListeners result;
  const std::optional<Bytes>& text = settings.text("advertised.listeners");
  if (text && equals_ignoring_case(*text, "auto")) return result;
  if (!text || text->empty()) return advertised_by_listeners(settings);
  result.automatic = false;
  Result<std::vector<ListenerEndpoint>> endpoints = parse_listener_endpoints("advertised.listeners", *text);
  RETURN_IF_ERROR(endpoints);
  drop_controller_listeners(settings, *endpoints);
  Result<std::vector<ListenerEndpoint>> listeners = broker_listeners(settings);
  RETURN_IF_ERROR(listeners);
  for (ListenerEndpoint& endpoint : *endpoints) {
    auto listener = std::find_if(listeners->begin(), listeners->end(), [&](const ListenerEndpoint& candidate) {
      return candidate.listener_name == endpoint.listener_name;
    });
    if (listener == listeners->end()) {
      return endpoint_error("advertised.listeners", *text,
                            "names that are in listeners (" + endpoint.listener_name + " is not)");
    }
    if (is_wildcard(endpoint.host)) {
      return endpoint_error("advertised.listeners", *text, "a host that clients can reach, or auto");
    }
    endpoint.protocol = listener->protocol;
  }
  result.endpoints = endpoints.take();
  return result;
}

}  // namespace milena::config
