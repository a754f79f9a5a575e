// The output of `milena config`: every effective setting, and its source.
#pragma once

#include "config/settings.h"

namespace milena::config {

// One line per setting, `key=value` and its source in brackets; first the values that were set, then the defaults if
// `with_defaults`. Secret values are not shown.
Bytes settings_report(const Settings& settings, bool with_defaults);

}  // namespace milena::config
