#include "metadata/layered_settings.h"

#include <fmt/format.h>

#include <optional>

namespace milena {

BrokerSettings layered_broker_settings(const MetadataImage& image, int32_t broker_id, const Settings* start) {
  return [&image, node = fmt::format("{}", broker_id), start](ConfigSource layer,
                                                              ByteView name) -> std::optional<Bytes> {
    if (layer == ConfigSource::kStaticBroker) return start != nullptr ? start->explicit_text(name) : std::nullopt;
    if (layer != ConfigSource::kDynamicBroker && layer != ConfigSource::kDynamicDefaultBroker) return std::nullopt;
    const ConfigMap& set =
        image.configs(ResourceType::kBroker, layer == ConfigSource::kDynamicBroker ? ByteView(node) : "");
    const auto found = set.find(name);
    if (found == set.end()) return std::nullopt;
    return found->second;
  };
}

}  // namespace milena
