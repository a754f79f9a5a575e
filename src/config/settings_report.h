// The output of `milena config`: every effective setting, and its source.
#pragma once

#include "config/settings.h"

namespace milena::config {

// One line a setting, `key=value` and behind it in brackets the place it was set at; first what was set, then the
// defaults if `with_defaults`. Values that are secret are not shown.
Bytes settings_report(const Settings& settings, bool with_defaults);

}  // namespace milena::config
