// Memory that a start has touched and serving does not need: to read settings, key stores and logs brings most of the
// program into memory.
#pragma once

namespace milena {

// Takes the pages of code and of constants out of this process's memory. They stay in the system's cache; what is used
// again comes back by itself, some pages at a time. Any thread, at any time.
void forget_pages_of_the_start();

}  // namespace milena
