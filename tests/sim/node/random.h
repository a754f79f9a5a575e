// SimRandom: the only source of random numbers of a simulated machine. The same seed gives the same numbers everywhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/random.h"

namespace milena::sim {

class SimRandom final : public Random {
 public:
  explicit SimRandom(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 0x1234567) {}

  uint64_t next() override {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  // A number in [0, below).
  size_t pick(size_t below) { return static_cast<size_t>(next() % below); }
  bool chance(uint32_t percent) { return pick(100) < percent; }
  std::string one_of(std::initializer_list<const char*> texts) { return *(texts.begin() + pick(texts.size())); }
  // A random index, by weight.
  template <size_t N>
  size_t pick_weighted(const std::array<uint32_t, N>& weights) {
    uint32_t total = 0;
    for (const uint32_t weight : weights) total += weight;
    auto at = static_cast<uint32_t>(pick(total));
    size_t index = 0;
    while (at >= weights[index]) at -= weights[index++];
    return index;
  }

 private:
  uint64_t state_;
};

}  // namespace milena::sim
