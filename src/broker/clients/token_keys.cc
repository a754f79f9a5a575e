#include "broker/clients/token_keys.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/log.h"

namespace milena::broker {
namespace {

constexpr int64_t kReadAgain_ms = 1000;
// Tokens with unknown keys must not make the broker ask the issuer again and again.
constexpr int64_t kAskAgain_ms = 10'000;
constexpr int64_t kFetchTimeout_ms = 10'000;
// At a start, as the HTTP client of Kafka's broker does it.
constexpr int kFirstAttempts = 4;
constexpr int64_t kBeforeNextAttempt_ms = 180;  // twice as long each time
constexpr int64_t kFirstFetch_ms = 20'000;

std::string path_of(ByteView url) {
  url.remove_prefix(ByteView("file:").size());
  if (url.starts_with("//")) url.remove_prefix(std::min(url.find('/', 2), url.size()));
  return std::string(url);
}

}  // namespace

TokenKeys::TokenKeys(std::shared_ptr<const OAuthSettings> settings, Executor& home, FileSystem& files, Fetch fetch)
    : settings_(std::move(settings)), home_(home), files_(files), fetch_(std::move(fetch)) {}

bool TokenKeys::is_file() const { return settings_->jwks_url.starts_with("file:"); }

Status TokenKeys::start() {
  Status got = is_file() ? read_file() : fetch_first();
  if (!got.ok()) {
    return make_error(got.error().kind, "sasl.oauthbearer.jwks.endpoint.url={}: {}", settings_->jwks_url,
                      got.error().message);
  }
  read_ms_ = home_.clock().steady_ms();
  if (is_file()) return got;
  home_.post([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->fetch_after(self->settings_->refresh_ms);
  });
  return got;
}

// An issuer that starts at the same time is given a moment.
Status TokenKeys::fetch_first() {
  const Clock& clock = home_.clock();
  const int64_t end_ms = clock.steady_ms() + kFirstFetch_ms;
  Result<Bytes> document = Bytes();
  for (int attempt = 0; attempt < kFirstAttempts; attempt++) {
    if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds(kBeforeNextAttempt_ms << (attempt - 1)));
    const int64_t left_ms = end_ms - clock.steady_ms();
    if (left_ms <= 0) break;
    document = fetch_(*settings_, std::min(left_ms, kFetchTimeout_ms));
    if (document) break;
  }
  if (!document) return make_error(document.error().kind, "the keys cannot be fetched: {}", document.error().message);
  auto parsed = security::parse_jwks(*document);
  RETURN_IF_ERROR(parsed);
  keys_ = parsed.take();
  return ok_status();
}

Status TokenKeys::read_file() {
  auto document = files_.read_file(path_of(settings_->jwks_url));
  RETURN_IF_ERROR(document);
  auto parsed = security::parse_jwks(*document);
  RETURN_IF_ERROR(parsed);
  keys_ = parsed.take();
  return ok_status();
}

void TokenKeys::read_file_again(const Clock& clock) {
  std::lock_guard lock(mutex_);
  const int64_t now_ms = clock.steady_ms();
  if (now_ms - read_ms_ < kReadAgain_ms) return;
  read_ms_ = now_ms;
  Status read = read_file();
  if (!read.ok()) log_warn("{}: {}; the previous keys stay in use", settings_->jwks_url, read.error().message);
}

std::shared_ptr<const security::Jwks> TokenKeys::keys() {
  std::lock_guard lock(mutex_);
  return keys_;
}

security::JwtVerdict TokenKeys::judge(ByteView token, const Clock& clock) {
  if (is_file()) read_file_again(clock);
  std::shared_ptr<const security::Jwks> known = keys();
  if (!known) return {std::nullopt, {"the issuer's keys could not be fetched yet", std::nullopt}};
  security::JwtVerdict verdict = security::verify_jwt(token, *known, settings_->rules, clock.wall_ms());
  if (!verdict.claims && verdict.refusal.unknown_key && !is_file()) look_for(*verdict.refusal.unknown_key, clock);
  return verdict;
}

void TokenKeys::look_for(const Bytes& key_id, const Clock& clock) {
  constexpr size_t kLongestId = 1000;
  if (key_id.size() > kLongestId) return;
  {
    std::lock_guard lock(mutex_);
    const int64_t now_ms = clock.steady_ms();
    if (asked_ms_ != INT64_MIN && now_ms - asked_ms_ < kAskAgain_ms) return;
    asked_ms_ = now_ms;
  }
  home_.post([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->fetch();
  });
}

void TokenKeys::fetch() {
  if (std::exchange(fetching_, true)) return;
  round_++;
  auto document = std::make_shared<Result<Bytes>>(Bytes());
  home_.run_computation(
      [document, settings = settings_, fetch = fetch_] { *document = fetch(*settings, kFetchTimeout_ms); },
      [weak = weak_from_this(), document] {
        if (auto self = weak.lock()) self->fetched(std::move(*document));
      });
}

void TokenKeys::fetched(Result<Bytes> document) {
  fetching_ = false;
  Result<std::shared_ptr<const security::Jwks>> parsed = document ? security::parse_jwks(*document) : document.error();
  if (parsed) {
    backoff_ms_ = 0;
    log_debug("{} keys from {}", (*parsed)->keys.size(), settings_->jwks_url);
    std::lock_guard lock(mutex_);
    keys_ = parsed.take();
  } else {
    constexpr int64_t kMinPause_ms = 100;
    backoff_ms_ = std::min(std::max(backoff_ms_ * 2, std::max(kMinPause_ms, settings_->retry_ms)),
                           std::max(kMinPause_ms, settings_->retry_max_ms));
    log_warn("{}: {}; next try in {} ms", settings_->jwks_url, parsed.error().message, backoff_ms_);
  }
  fetch_after(backoff_ms_ > 0 ? backoff_ms_ : settings_->refresh_ms);
}

void TokenKeys::fetch_after(int64_t delay_ms) {
  home_.call_after(delay_ms, [weak = weak_from_this(), round = round_] {
    // A fetch in between has set a timer of its own.
    if (auto self = weak.lock(); self && self->round_ == round) self->fetch();
  });
}

}  // namespace milena::broker
