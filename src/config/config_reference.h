// The reference page of the settings (docs/configuration.md), written from the table.
#pragma once

#include "base/bytes.h"

namespace milena::config {

// Markdown.
Bytes config_reference();

}  // namespace milena::config
