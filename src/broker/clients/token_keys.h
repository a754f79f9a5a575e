// TokenKeys: the keys of one issuer of tokens (sasl.oauthbearer.jwks.endpoint.url), kept up to date.
//
// Those of a file are read again when a token is judged and the last reading is a second old. Those of a URL are
// fetched before a start goes on, and by a worker from time to time, and soon after a token came with a key that is not
// among them; until then the ones before count. Any thread may judge; timers are those of shard 0.
#pragma once

#include <memory>
#include <mutex>

#include "base/executor.h"
#include "base/file.h"
#include "broker/clients/sasl_settings.h"
#include "security/sasl_oauthbearer.h"

namespace milena::broker {

class TokenKeys : public std::enable_shared_from_this<TokenKeys> {
 public:
  // Fetches a URL's document; blocking, on a worker.
  using Fetch = std::function<Result<Bytes>(const OAuthSettings& settings, int64_t timeout_ms)>;

  TokenKeys(std::shared_ptr<const OAuthSettings> settings, Executor& home, FileSystem& files, Fetch fetch);

  // Reads or fetches the keys; blocking. Without them there is no start, as in Kafka: an error says why there are none.
  Status start();
  security::JwtVerdict judge(ByteView token, const Clock& clock);

 private:
  bool is_file() const;
  Status read_file();
  Status fetch_first();
  void read_file_again(const Clock& clock);
  void fetch();
  void fetched(Result<Bytes> document);
  void fetch_after(int64_t delay_ms);
  void look_for(const Bytes& key_id, const Clock& clock);
  std::shared_ptr<const security::Jwks> keys();

  const std::shared_ptr<const OAuthSettings> settings_;
  Executor& home_;
  FileSystem& files_;
  const Fetch fetch_;

  std::mutex mutex_;  // protects the members below
  std::shared_ptr<const security::Jwks> keys_;
  int64_t read_ms_ = 0;
  int64_t asked_ms_ = INT64_MIN;
  // On home's thread.
  bool fetching_ = false;
  int64_t backoff_ms_ = 0;
  uint64_t round_ = 0;
};

}  // namespace milena::broker
