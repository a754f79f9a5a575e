// TokenExpiry: removes expired delegation tokens, every delegation.token.expiry.check.interval.ms while there are any.
// On the controller's shard. A node without tokens has no timer.
#pragma once

namespace milena::broker {

class MetadataRuntime;

class TokenExpiry {
 public:
  explicit TokenExpiry(MetadataRuntime& metadata) : metadata_(metadata) {}

  // Called at the start, and when tokens changed.
  void note_tokens();

 private:
  void sweep();

  MetadataRuntime& metadata_;
  bool armed_ = false;
};

}  // namespace milena::broker
