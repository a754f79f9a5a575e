// fmt's few functions that are not templates, compiled here from its headers, so that the program needs no libfmt.so at
// run time: each shared library costs a restart a quarter of a millisecond and a page or two of memory. Never in a
// unity build: the macro changes the headers.
#define FMT_HEADER_ONLY
#include <cstdint>

#include <fmt/format.h>

namespace milena {

// Taking their addresses makes the compiler emit them, for files that only include <fmt/core.h>.
[[gnu::used]] static const void* const kFmtFunctions[] = {
    reinterpret_cast<const void*>(static_cast<std::string (*)(fmt::string_view, fmt::format_args)>(&fmt::vformat)),
    reinterpret_cast<const void*>(static_cast<void (*)(fmt::string_view, fmt::format_args)>(&fmt::vprint)),
    reinterpret_cast<const void*>(&fmt::detail::assert_fail),
    reinterpret_cast<const void*>(&fmt::detail::thousands_sep_impl<char>),
    reinterpret_cast<const void*>(&fmt::detail::throw_format_error),
    reinterpret_cast<const void*>(static_cast<bool (*)(uint32_t)>(&fmt::detail::is_printable)),
};

}  // namespace milena
