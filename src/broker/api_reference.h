// The table of requests in README and docs/permissions.md, written from the table of handlers.
#pragma once

#include <string>

namespace milena::broker {

// Where the table is in README.
inline constexpr char kApiTableBegins[] = "<!-- requests: written by script/reference -->\n";
inline constexpr char kApiTableEnds[] = "<!-- end of requests -->\n";

// Markdown, without the marks.
std::string api_reference();

// docs/permissions.md: what each request asks the authorizer.
std::string permission_reference();

}  // namespace milena::broker
