// Random: where random numbers come from. The broker uses the kernel's; tests and simulators use a seed, so that a run
// of a whole node can be repeated. Code outside base/ and net/ gets its Random from an Executor and never asks the
// kernel.
#pragma once

#include <cstdint>

namespace milena {

class Random {
 public:
  virtual ~Random() = default;
  // 64 random bits.
  virtual uint64_t next() = 0;
};

// The kernel's, which nobody can guess. Any thread.
Random& system_random();

// For hash tables whose keys clients choose. The kernel's even in a simulation: no result depends on it, only the
// places in the table.
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
