// An optional that holds a default value, for the declaration of a member whose type is a structure nested beside it.
#pragma once

#include <optional>

namespace milena {

// A function, because with std::in_place clang looks for the structure's default constructor before the enclosing
// structure is complete, and finds none.
template <class T>
std::optional<T> filled_optional() {
  return std::optional<T>(T());
}

}  // namespace milena
