#include "base/random.h"

#include <sys/random.h>

#include "base/check.h"

namespace milena {
namespace {

class SystemRandom final : public Random {
 public:
  uint64_t next() override {
    uint64_t bits;
    CHECK(getrandom(&bits, sizeof bits, 0) == static_cast<ssize_t>(sizeof bits));
    return bits;
  }
};

}  // namespace

Random& system_random() {
  static SystemRandom random;
  return random;
}

uint64_t hash_seed() { return system_random().next(); }

uint64_t SeededRandom::next() {
  uint64_t bits = state_ += 0x9E3779B97F4A7C15ull;
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9ull;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBull;
  return bits ^ (bits >> 31);
}

}  // namespace milena
