#include "base/sha2.h"

#include <array>
#include <bit>
#include <cstdint>

namespace milena {
namespace {

// The two functions differ in the width of a word, the number of rounds and the amounts of rotation. The constants are
// the first bits of the fractional parts of the square roots (state) and cube roots (rounds) of the first primes; those
// of SHA-256 are the upper halves of those of SHA-512.
constexpr std::array<uint64_t, 80> kRounds{
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817};

constexpr std::array<uint64_t, 8> kState{0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                                         0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                                         0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

struct Sha256Shape {
  using Word = uint32_t;
  static constexpr size_t kRoundCount = 64;
  static constexpr int kBig0[3] = {2, 13, 22}, kBig1[3] = {6, 11, 25};
  static constexpr int kSmall0[3] = {7, 18, 3}, kSmall1[3] = {17, 19, 10};  // the third is a shift
  static constexpr Word cut(uint64_t wide) { return static_cast<Word>(wide >> 32); }
};

struct Sha512Shape {
  using Word = uint64_t;
  static constexpr size_t kRoundCount = 80;
  static constexpr int kBig0[3] = {28, 34, 39}, kBig1[3] = {14, 18, 41};
  static constexpr int kSmall0[3] = {1, 8, 7}, kSmall1[3] = {19, 61, 6};
  static constexpr Word cut(uint64_t wide) { return wide; }
};

template <class Shape>
class Digest {
 public:
  using Word = typename Shape::Word;
  static constexpr size_t kBlock_bytes = 16 * sizeof(Word);

  Digest() {
    for (size_t i = 0; i < 8; i++) state_[i] = Shape::cut(kState[i]);
  }

  Bytes of(ByteView data) {
    const size_t whole = data.size() - data.size() % kBlock_bytes;
    for (size_t at = 0; at < whole; at += kBlock_bytes) take_block(data.data() + at);
    // A one bit, zeros, and at the end of a block the length in bits, of which 64 bits are enough here.
    Bytes tail(data.substr(whole));
    tail.push_back(static_cast<char>(0x80));
    const size_t room = tail.size() + 2 * sizeof(Word) <= kBlock_bytes ? kBlock_bytes : 2 * kBlock_bytes;
    tail.resize(room - sizeof(uint64_t), '\0');
    const uint64_t bits = static_cast<uint64_t>(data.size()) * 8;
    for (int shift = 56; shift >= 0; shift -= 8) tail.push_back(static_cast<char>(bits >> shift));
    for (size_t at = 0; at < tail.size(); at += kBlock_bytes) take_block(tail.data() + at);
    Bytes digest;
    for (const Word word : state_) {
      for (int shift = 8 * (sizeof(Word) - 1); shift >= 0; shift -= 8)
        digest.push_back(static_cast<char>(word >> shift));
    }
    return digest;
  }

 private:
  static Word turned(Word x, const int (&by)[3]) {
    return std::rotr(x, by[0]) ^ std::rotr(x, by[1]) ^ std::rotr(x, by[2]);
  }
  static Word mixed(Word x, const int (&by)[3]) {
    return std::rotr(x, by[0]) ^ std::rotr(x, by[1]) ^ (x >> by[2]);
  }

  void take_block(const char* bytes) {
    std::array<Word, Shape::kRoundCount> w{};
    for (size_t i = 0; i < 16; i++) {
      for (size_t k = 0; k < sizeof(Word); k++) {
        w[i] = static_cast<Word>(w[i] << 8) | static_cast<unsigned char>(bytes[i * sizeof(Word) + k]);
      }
    }
    for (size_t i = 16; i < w.size(); i++) {
      w[i] = mixed(w[i - 2], Shape::kSmall1) + w[i - 7] + mixed(w[i - 15], Shape::kSmall0) + w[i - 16];
    }
    auto [a, b, c, d, e, f, g, h] = state_;
    for (size_t i = 0; i < w.size(); i++) {
      const Word one = h + turned(e, Shape::kBig1) + ((e & f) ^ (~e & g)) + Shape::cut(kRounds[i]) + w[i];
      const Word two = turned(a, Shape::kBig0) + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
    }
    const std::array<Word, 8> added{a, b, c, d, e, f, g, h};
    for (size_t i = 0; i < 8; i++) state_[i] += added[i];
  }

  std::array<Word, 8> state_;
};

}  // namespace

Bytes sha2_digest(Sha2 kind, ByteView data) {
  return kind == Sha2::k256 ? Digest<Sha256Shape>().of(data) : Digest<Sha512Shape>().of(data);
}

Bytes sha2_hmac(Sha2 kind, ByteView key, ByteView data) {
  const size_t block = kind == Sha2::k256 ? Digest<Sha256Shape>::kBlock_bytes : Digest<Sha512Shape>::kBlock_bytes;
  Bytes padded = key.size() > block ? sha2_digest(kind, key) : Bytes(key);
  padded.resize(block, '\0');
  Bytes inner = padded, outer = padded;
  for (size_t i = 0; i < block; i++) {
    inner[i] = static_cast<char>(inner[i] ^ 0x36);
    outer[i] = static_cast<char>(outer[i] ^ 0x5c);
  }
  return sha2_digest(kind, outer + sha2_digest(kind, inner + Bytes(data)));
}

}  // namespace milena
