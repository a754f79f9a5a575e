// Settings that close a broker of Kafka's and that Milena does not enforce. A broker that its settings file closes does
// not start open: its start is refused.
#pragma once

#include "config/settings.h"

namespace milena {

// Refuses what would have protected a broker of Kafka's with the same settings.
Status check_protection(const Settings& settings);

// Of a setting that protects nothing without another one, as in Kafka: what to say about it. Empty for all others.
std::string unprotected_warning(const Settings& settings, ByteView key);

}  // namespace milena
