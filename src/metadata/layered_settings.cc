#include "metadata/layered_settings.h"

#include <fmt/format.h>

#include <optional>

namespace milena::metadata {

config::BrokerSettings layered_broker_settings(const MetadataImage& image, int32_t broker_id,
                                               const config::Settings* start) {
  return [&image, node = fmt::format("{}", broker_id), start](config::ConfigSource layer,
                                                              ByteView name) -> std::optional<Bytes> {
    if (layer == config::ConfigSource::kStaticBroker)
      return start != nullptr ? start->explicit_text(name) : std::nullopt;
    if (layer != config::ConfigSource::kDynamicBroker && layer != config::ConfigSource::kDynamicDefaultBroker)
      return std::nullopt;
    const config::ConfigMap& set =
        image.configs(ResourceType::kBroker, layer == config::ConfigSource::kDynamicBroker ? ByteView(node) : "");
    const auto found = set.find(name);
    if (found == set.end()) return std::nullopt;
    return found->second;
  };
}

}  // namespace milena::metadata
