// SmallVector<T, N>: up to N elements are inside the object, more are on the heap. For the lists of every partition
// (replicas, ISR, directories), in the metadata and in responses: they have one to three elements and there are tens of
// thousands of them. Set as a whole and then read; T is plain data.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace milena {

template <class T, size_t N>
class SmallVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  SmallVector() : inside_{} {}
  SmallVector(const SmallVector& other) : SmallVector() { assign(other.span()); }
  SmallVector(SmallVector&& other) noexcept : SmallVector() { swap(other); }
  SmallVector& operator=(const SmallVector& other) {
    if (this != &other) assign(other.span());
    return *this;
  }
  SmallVector& operator=(SmallVector&& other) noexcept {
    swap(other);
    return *this;
  }
  ~SmallVector() { release(); }

  void assign(std::span<const T> from) {
    // `from` may point into this vector.
    SmallVector made;
    if (from.size() > N) made.heap_ = new T[from.size()];
    made.size_ = static_cast<uint32_t>(from.size());
    std::copy(from.begin(), from.end(), made.data());
    swap(made);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  const T& operator[](size_t index) const { return data()[index]; }
  std::span<const T> span() const { return {data(), size_}; }
  std::vector<T> to_vector() const { return {begin(), end()}; }
  bool contains(const T& value) const { return std::find(begin(), end(), value) != end(); }
  bool operator==(const SmallVector& other) const {
    return std::equal(begin(), end(), other.begin(), other.end());
  }

 private:
  T* data() { return size_ > N ? heap_ : inside_; }
  const T* data() const { return size_ > N ? heap_ : inside_; }
  void release() {
    if (size_ > N) delete[] heap_;
    size_ = 0;
  }
  // Bitwise: both forms are plain data.
  void swap(SmallVector& other) {
    alignas(SmallVector) char held[sizeof(SmallVector)];
    std::memcpy(held, static_cast<void*>(this), sizeof(SmallVector));
    std::memcpy(static_cast<void*>(this), static_cast<void*>(&other), sizeof(SmallVector));
    std::memcpy(static_cast<void*>(&other), held, sizeof(SmallVector));
  }

  uint32_t size_ = 0;
  union {
    T inside_[N];
    T* heap_;
  };
};

// Ids of nodes: a partition's replicas.
using NodeList = SmallVector<int32_t, 4>;

}  // namespace milena
