// The table of requests in README and docs/permissions.md, written from the table of handlers.
#pragma once

#include <string>

namespace milena::broker {

// The place of the table in README.
inline constexpr char kApiTableBegins[] = "<!-- requests: written by script/reference -->\n";
inline constexpr char kApiTableEnds[] = "<!-- end of requests -->\n";

// Markdown, without the marks around it.
std::string api_reference();

// docs/permissions.md: the permissions that each request needs.
std::string permission_reference();

}  // namespace milena::broker
