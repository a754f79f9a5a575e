// Random: a source of random numbers. The broker uses the kernel's; tests and simulators use a seed, so that a run of a
// whole node can be repeated. Code outside base/ and net/ gets its Random from an Executor, never from the kernel.
#pragma once

#include <cstdint>

namespace milena {

class Random {
 public:
  virtual ~Random() = default;
  // 64 random bits.
  virtual uint64_t next() = 0;
};

// The kernel's, unpredictable. Any thread.
Random& system_random();

// For hash tables with keys chosen by clients. The kernel's even in a simulation: it changes only the places in the
// table, no result.
uint64_t hash_seed();

// The same numbers for the same seed (SplitMix64). Not for secrets. One thread at a time.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t next() override;

 private:
  uint64_t state_;
};

}  // namespace milena
