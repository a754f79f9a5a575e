#include "broker/clients/sasl_settings.h"

#include <algorithm>

#include "base/log.h"
#include "config/config_values.h"

namespace milena::broker {
namespace {

using Found = config::ListenerSettings::Found;

constexpr ByteView kJaas = "sasl.jaas.config";
constexpr ByteView kHandler = "sasl.server.callback.handler.class";
constexpr ByteView kSecurityPackage = "org.apache.kafka.common.security.";

struct KnownMechanism {
  ByteView name;
  ByteView module;
};
constexpr KnownMechanism kKnown[] = {
    {"PLAIN", "org.apache.kafka.common.security.plain.PlainLoginModule"},
    {"SCRAM-SHA-256", "org.apache.kafka.common.security.scram.ScramLoginModule"},
    {"SCRAM-SHA-512", "org.apache.kafka.common.security.scram.ScramLoginModule"},
    {"OAUTHBEARER", "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"},
    {"GSSAPI", "com.sun.security.auth.module.Krb5LoginModule"},
};

const KnownMechanism* find_known(ByteView name) {
  for (const KnownMechanism& each : kKnown) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

// The JAAS line of the mechanism, if there is one.
Result<std::optional<security::JaasEntry>> jaas_of(const config::ListenerSettings& settings,
                                                   const KnownMechanism& mechanism) {
  std::optional<Found> found = settings.find_own(mechanism.name, kJaas);
  if (!found) return std::optional<security::JaasEntry>();
  Result<security::JaasEntry> entry = security::parse_jaas(found->text);
  if (!entry.ok()) return config::ListenerSettings::mistake(*found, true, entry.error().message);
  if (entry->module == mechanism.module) return std::optional(entry.take());
  return config::ListenerSettings::mistake(
      *found, true, fmt::format("unexpected login module; expected {}", mechanism.module));
}

Error missing(const config::ListenerSettings& settings, const KnownMechanism& mechanism, ByteView example) {
  return make_error(ErrorKind::kInvalid, "{} is not set, but {} needs it; expected {} {}",
                    settings.key_of(mechanism.name, kJaas), mechanism.name, mechanism.module, example);
}

// Java classes for a mechanism's credentials: Kafka's own are implemented here, others are refused.
Result<Bytes> handler_class(const config::ListenerSettings& settings, ByteView mechanism,
                            std::vector<ByteView> accepted) {
  std::optional<Found> found = settings.find(mechanism, kHandler);
  if (!found || found->text.empty()) return Bytes();
  for (ByteView each : accepted) {
    if (found->text == Bytes(kSecurityPackage) + Bytes(each)) return Bytes(each);
  }
  return config::ListenerSettings::mistake(*found, false,
                                           "Milena runs no Java classes; expected none, or Kafka's own class for this "
                                           "mechanism");
}

Status take_plain(const config::ListenerSettings& settings, const KnownMechanism& known, Random& random,
                  SaslMechanismSettings& mechanism) {
  auto users = plain_users_of(settings, random);
  RETURN_IF_ERROR(users);
  if (*users == nullptr) return missing(settings, known, "required user_NAME=\"PASSWORD\";");
  mechanism.plain_users = users.take();
  return ok_status();
}

Status take_scram(const config::ListenerSettings& settings, const KnownMechanism& known,
                  SaslMechanismSettings& mechanism) {
  auto handler = handler_class(settings, known.name, {"scram.internals.ScramServerCallbackHandler"});
  RETURN_IF_ERROR(handler);
  // The entry is for the broker's own connections: users are in the metadata.
  auto entry = jaas_of(settings, known);
  RETURN_IF_ERROR(entry);
  mechanism.scram = security::parse_scram_mechanism(known.name);
  return ok_status();
}

std::string option_of(const std::optional<security::JaasEntry>& entry, ByteView name) {
  if (!entry) return {};
  auto found = entry->options.find(name);
  return found == entry->options.end() ? std::string() : std::string(config::trim_blanks(found->second));
}

Result<security::UnsecuredJwtRules> unsecured_rules(const config::ListenerSettings& settings,
                                                    const std::optional<security::JaasEntry>& entry) {
  security::UnsecuredJwtRules rules;
  if (auto name = option_of(entry, "unsecuredValidatorPrincipalClaimName"); !name.empty()) rules.principal_claim = name;
  if (auto name = option_of(entry, "unsecuredValidatorScopeClaimName"); !name.empty()) rules.scope_claim = name;
  std::string scope = option_of(entry, "unsecuredValidatorRequiredScope");
  std::replace(scope.begin(), scope.end(), ' ', ',');
  for (ByteView each : config::split_list(scope)) {
    if (!each.empty()) rules.required_scope.emplace_back(each);
  }
  if (auto skew = option_of(entry, "unsecuredValidatorAllowableClockSkewMs"); !skew.empty()) {
    auto number = config::parse_integer(skew);
    if (!number || *number < 0 || *number > INT32_MAX) {
      return make_error(ErrorKind::kInvalid, "{}: expected a number of milliseconds in {}",
                        settings.key_of("OAUTHBEARER", kJaas), "unsecuredValidatorAllowableClockSkewMs");
    }
    rules.clock_skew_ms = *number;
  }
  return rules;
}

Status check_jwks_url(const Found& found) {
  for (ByteView scheme : {"file:", "http://", "https://"}) {
    if (found.text.starts_with(scheme)) return ok_status();
  }
  return config::ListenerSettings::mistake(found, false, "expected a URL that begins with file:, http:// or https://");
}

Status take_signed_tokens(const config::ListenerSettings& settings, OAuthSettings& oauth) {
  constexpr ByteView kName = "OAUTHBEARER";
  auto text = [&](ByteView key, Bytes& to) -> Status {
    auto found = settings.checked(kName, key);
    RETURN_IF_ERROR(found);
    if (*found && !(*found)->text.empty()) to = (*found)->text;
    return ok_status();
  };
  auto number = [&](ByteView key, int64_t least, int64_t& to) -> Status {
    Result<int64_t> found = settings.number(kName, key);
    RETURN_IF_ERROR(found);
    if (*found < least) {
      return config::ListenerSettings::mistake(*settings.find(kName, key), false,
                                               fmt::format("expected a number of at least {}", least));
    }
    to = *found;
    return ok_status();
  };
  RETURN_IF_ERROR(text("sasl.oauthbearer.scope.claim.name", oauth.rules.scope_claim));
  RETURN_IF_ERROR(text("sasl.oauthbearer.sub.claim.name", oauth.rules.subject_claim));
  Bytes issuer;
  RETURN_IF_ERROR(text("sasl.oauthbearer.expected.issuer", issuer));
  if (!issuer.empty()) oauth.rules.expected_issuer = issuer;
  auto audience = settings.list(kName, "sasl.oauthbearer.expected.audience");
  RETURN_IF_ERROR(audience);
  oauth.rules.expected_audience = audience.take();
  RETURN_IF_ERROR(number("sasl.oauthbearer.clock.skew.seconds", 0, oauth.rules.clock_skew_s));
  RETURN_IF_ERROR(number("sasl.oauthbearer.jwks.endpoint.refresh.ms", 1, oauth.refresh_ms));
  RETURN_IF_ERROR(number("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", 0, oauth.retry_ms));
  return number("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", 0, oauth.retry_max_ms);
}

void warn_of_lax_rules(const config::ListenerSettings& settings, const OAuthSettings& oauth) {
  const bool has_audience = !oauth.rules.expected_audience.empty();
  const bool has_issuer = oauth.rules.expected_issuer.has_value();
  for (const auto& [key, is_set] : {std::pair("sasl.oauthbearer.expected.audience", has_audience),
                                    std::pair("sasl.oauthbearer.expected.issuer", has_issuer)}) {
    if (is_set) continue;
    log_warn("{} is not set, so tokens that the same keys signed for other services are accepted",
             settings.key_of("OAUTHBEARER", key));
  }
}

Status take_oauth(const config::ListenerSettings& settings, const KnownMechanism& known,
                  SaslMechanismSettings& mechanism) {
  constexpr ByteView kUnsecuredHandler = "oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler";
  constexpr ByteView kUrl = "sasl.oauthbearer.jwks.endpoint.url", kAllow = "milena.sasl.oauthbearer.unsecured.tokens";
  auto handler = handler_class(settings, known.name,
                               {"oauthbearer.OAuthBearerValidatorCallbackHandler",
                                "oauthbearer.secured.OAuthBearerValidatorCallbackHandler", kUnsecuredHandler});
  RETURN_IF_ERROR(handler);
  auto entry = jaas_of(settings, known);
  RETURN_IF_ERROR(entry);
  auto oauth = std::make_shared<OAuthSettings>();
  std::optional<Found> url = settings.find(known.name, kUrl);
  const bool wants_signed = url && !url->text.empty() && *handler != kUnsecuredHandler;
  if (wants_signed) {
    RETURN_IF_ERROR(check_jwks_url(*url));
    oauth->jwks_url = url->text;
    oauth->trust_file = option_of(*entry, "ssl.truststore.location");
    RETURN_IF_ERROR(take_signed_tokens(settings, *oauth));
    warn_of_lax_rules(settings, *oauth);
  } else {
    // Kafka has this as a default.
    auto allowed = settings.checked("", kAllow);
    RETURN_IF_ERROR(allowed);
    if (!*allowed || !config::parse_boolean((*allowed)->text).value_or(false)) {
      return make_error(ErrorKind::kInvalid,
                        "{} is not set: unsigned tokens would be accepted, which anyone can create. Expected the URL "
                        "of the issuer's keys, or {}=true",
                        settings.key_of(known.name, kUrl), kAllow);
    }
    auto rules = unsecured_rules(settings, *entry);
    RETURN_IF_ERROR(rules);
    oauth->unsecured = rules.take();
    log_warn("Listener accepts unsecured OAUTHBEARER tokens: every client can claim any principal ({}=true)", kAllow);
  }
  mechanism.oauth = std::move(oauth);
  return ok_status();
}

Status take_gssapi(const config::ListenerSettings& settings, const KnownMechanism& known,
                   SaslMechanismSettings& mechanism) {
  auto entry = jaas_of(settings, known);
  RETURN_IF_ERROR(entry);
  if (!*entry) {
    return missing(settings, known, "required useKeyTab=true storeKey=true keyTab=\"FILE\" principal=\"kafka/HOST\";");
  }
  auto rules = settings.list(known.name, "sasl.kerberos.principal.to.local.rules");
  RETURN_IF_ERROR(rules);
  auto names = security::KerberosNames::parse(*rules);
  RETURN_IF_ERROR(names);
  auto credentials =
      security::load_gssapi({option_of(*entry, "keyTab"), option_of(*entry, "principal"), {}}, names.take());
  if (!credentials) {
    return make_error(ErrorKind::kInvalid, "{}: {}", settings.key_of(known.name, kJaas), credentials.error().message);
  }
  mechanism.gssapi = credentials.take();
  return ok_status();
}

Status take_mechanism(const config::ListenerSettings& settings, const KnownMechanism& known, Random& random,
                      SaslMechanismSettings& mechanism) {
  if (known.name == "PLAIN") return take_plain(settings, known, random, mechanism);
  if (known.name == "OAUTHBEARER") return take_oauth(settings, known, mechanism);
  if (known.name == "GSSAPI") return take_gssapi(settings, known, mechanism);
  return take_scram(settings, known, mechanism);
}

std::string all_known() {
  std::string names;
  for (const KnownMechanism& each : kKnown) names += (names.empty() ? "" : ", ") + std::string(each.name);
  return names;
}

}  // namespace

const SaslMechanismSettings* SaslListenerSettings::find(ByteView mechanism) const {
  auto found = std::find_if(mechanisms.begin(), mechanisms.end(),
                            [mechanism](const SaslMechanismSettings& each) { return each.name == mechanism; });
  return found == mechanisms.end() ? nullptr : &*found;
}

Result<std::shared_ptr<const security::PlainUsers>> plain_users_of(const config::ListenerSettings& listener,
                                                                   Random& random) {
  const KnownMechanism& plain = *find_known("PLAIN");
  auto handler = handler_class(listener, plain.name, {"plain.internals.PlainServerCallbackHandler"});
  RETURN_IF_ERROR(handler);
  auto entry = jaas_of(listener, plain);
  RETURN_IF_ERROR(entry);
  std::shared_ptr<const security::PlainUsers> users;
  if (!*entry) return users;
  users = std::make_shared<security::PlainUsers>(**entry, random);
  if (users->size() == 0) {
    log_warn("{} has no user (user_NAME=\"PASSWORD\"), so no client can authenticate with PLAIN",
             listener.key_of(plain.name, kJaas));
  }
  return users;
}

Result<SaslListenerSettings> sasl_listener_settings(const config::Settings& settings, ByteView listener_name,
                                                    Random& random) {
  const config::ListenerSettings own(settings, listener_name);
  constexpr ByteView kEnabled = "sasl.enabled.mechanisms";
  SaslListenerSettings listener;
  listener.listener = Bytes(listener_name);
  auto enabled = own.list("", kEnabled);
  RETURN_IF_ERROR(enabled);
  const Found found = own.find("", kEnabled).value_or(Found{Bytes(kEnabled), "", ""});
  if (enabled->empty()) return config::ListenerSettings::mistake(found, false, "expected some of " + all_known());
  for (const Bytes& name : *enabled) {
    if (listener.find(name) != nullptr) continue;
    const KnownMechanism* known = find_known(name);
    if (known == nullptr) {
      return config::ListenerSettings::mistake(
          found, false, fmt::format("{} is not a supported mechanism; expected some of {}", name, all_known()));
    }
    SaslMechanismSettings mechanism;
    mechanism.name = name;
    Result<int64_t> max_reauth = own.number(name, "connections.max.reauth.ms");
    RETURN_IF_ERROR(max_reauth);
    mechanism.max_reauth_ms = *max_reauth;
    RETURN_IF_ERROR(take_mechanism(own, *known, random, mechanism));
    listener.mechanisms.push_back(std::move(mechanism));
  }
  Result<int64_t> max_receive = own.number("", "sasl.server.max.receive.size");
  RETURN_IF_ERROR(max_receive);
  listener.max_receive_bytes = std::max<int64_t>(0, *max_receive);
  listener.failure_delay_ms = settings.get_int("connection.failed.authentication.delay.ms");
  return listener;
}

}  // namespace milena::broker
