// Settings that close a broker and that Milena does not enforce yet. A broker that its file calls closed does not start
// open: it is refused, as listeners of SSL and SASL are (config_listeners.h).
#pragma once

#include "config/settings.h"

namespace milena {

// Refuses what would have protected a broker of Kafka's with the same settings.
Status check_protection(const Settings& settings);

// Of a setting that protects nothing without another one, as in Kafka: what to say about it. Empty for all others.
std::string unprotected_warning(const Settings& settings, ByteView key);

}  // namespace milena
