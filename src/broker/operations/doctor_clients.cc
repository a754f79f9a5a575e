// Clients that did not arrive, were refused, or wait.
#include <fmt/core.h>

#include <iterator>
#include <utility>

#include "base/log.h"
#include "broker/operations/doctor.h"
#include "config/config_listeners.h"

namespace milena::broker {
namespace {

struct RefusalRule {
  const char* kind;
  const char* what;
  const char* remedy;
};

RefusalRule rule_of(RefusalKind kind) {
  switch (kind) {
    case RefusalKind::kVersion:
      return {"client-version", "sent a request, or a version of one, that is not supported",
              "Use a client that sends ApiVersions first, or an older or newer release of it; README lists the "
              "supported versions."};
    case RefusalKind::kCodec:
      return {"client-codec", "uses a compression codec that its request version does not support",
              "Update the client (zstd needs Kafka 2.1 or later), or set another compression.type for it or the "
              "topic."};
    case RefusalKind::kAuthentication:
      return {"client-authentication", "did not authenticate",
              "Compare its security.protocol, sasl.mechanism, user and password with the listener's; `milena users` "
              "lists SCRAM users."};
    case RefusalKind::kTls:
      return {"client-tls", "failed the TLS handshake",
              "Compare its trust store with the listener's certificate, the host name it connects to with the names in "
              "the certificate, and its own certificate with ssl.client.auth; a client without TLS must use another "
              "port."};
    case RefusalKind::kNotKafka:
      return {"client-protocol", "sent bytes that are not a request of Kafka's protocol",
              "Compare its security.protocol and its port with the listener's; HTTP has its own listener "
              "(milena.http.listeners)."};
    case RefusalKind::kClock:
      return {"client-clock", "sends records with timestamps that this broker refuses",
              "Compare the clock of its machine with this one's; message.timestamp.before.max.ms and "
              "message.timestamp.after.max.ms of the topic limit the difference."};
  }
  return {"client-refused", "was refused", "Look at the broker's log."};
}

void examine_refusals(const NodeFigures& figures, Diagnoses& findings) {
  size_t count = 0;
  for (const auto& [who, trace] : figures.symptoms.refusals) {
    if (figures.now_ms - trace.last_ms > kRecent_ms || count++ >= kMaxOfAKind) continue;
    const RefusalRule rule = rule_of(who.kind);
    Bytes software = trace.software.empty() ? Bytes() : fmt::format(" ({})", escape_for_log(trace.software));
    findings.push_back({Severity::kWarning, rule.kind, "client",
                        fmt::format("{}@{}", escape_for_log(who.client.client_id), escape_for_log(who.client.host)),
                        fmt::format("The {}{} {}: it was refused {} times, the last reason: {}.",
                                    client_text(who.client.client_id, who.client.host), software, rule.what,
                                    trace.count, escape_for_log(trace.reason)),
                        rule.remedy});
  }
}

bool is_loopback(ByteView address) { return config::is_loopback(address.substr(0, address.rfind(':'))); }

ByteView port_of(ByteView address) { return address.substr(address.rfind(':') + 1); }

// Whether the advertised address is the one that the client connected to.
bool leads_here(const ClientTrace& trace) {
  if (trace.told_address == trace.came_to) return true;
  return is_loopback(trace.told_address) && is_loopback(trace.came_to) &&
         port_of(trace.told_address) == port_of(trace.came_to);
}

Bytes name_of(const ClientName& client) {
  return fmt::format("{}@{}", escape_for_log(client.client_id), escape_for_log(client.host));
}

}  // namespace

Diagnoses examine_absent_clients(const NodeFigures& figures) {
  Diagnoses findings;
  size_t count = 0;
  for (const auto& [name, trace] : figures.symptoms.clients) {
    if (trace.served || trace.told == 0 || leads_here(trace)) continue;
    const int64_t silent_ms = figures.now_ms - trace.last_told_ms;
    const bool again = trace.told > 1;
    if (silent_ms > kRecent_ms || (!again && silent_ms < kLong_ms) || count++ >= kMaxOfAKind) continue;
    findings.push_back(
        {Severity::kWarning, "client-not-arrived", "client", name_of(name),
         fmt::format("The {} connected to {} and got, {} times in {}, the broker's address {}, but has sent no request "
                     "there.",
                     client_text(name.client_id, name.host), trace.came_to, trace.told,
                     span_text(figures.now_ms - trace.first_told_ms), trace.told_address),
         fmt::format("Check that {} can be resolved and reached from {}; if not, set advertised.listeners to an "
                     "address that can, or to auto. A probe that only lists topics is fine.",
                     trace.told_address, escape_for_log(name.host))});
  }
  return findings;
}

std::vector<Bytes> served_clients(const NodeFigures& figures) {
  std::vector<Bytes> names;
  for (const auto& [name, trace] : figures.symptoms.clients) {
    if (trace.served) names.push_back(name_of(name));
  }
  return names;
}

namespace {

void examine_fetches(const NodeFigures& figures, Diagnoses& findings) {
  size_t count = 0;
  for (const auto& [name, trace] : figures.symptoms.clients) {
    if (trace.starved == 0 || figures.now_ms - trace.last_starved_ms > kRecent_ms || count++ >= kMaxOfAKind) continue;
    findings.push_back(
        {Severity::kWarning, "fetch-waits", "client", name_of(name),
         fmt::format("The {} gets records {} late: {} of its fetches waited for {} bytes while {} were there.",
                     client_text(name.client_id, name.host), span_text(trace.waited_ms), trace.starved,
                     trace.min_bytes, trace.bytes_there),
         "Lower fetch.min.bytes or fetch.max.wait.ms of the consumer, unless it is meant to wait."});
  }
}

}  // namespace

void examine_clients(const NodeFigures& figures, Diagnoses& findings) {
  // A client with other brokers to go to may work there: whoever asks them all can tell.
  if (figures.brokers.size() <= 1) {
    Diagnoses absent = examine_absent_clients(figures);
    std::move(absent.begin(), absent.end(), std::back_inserter(findings));
  }
  examine_refusals(figures, findings);
  examine_fetches(figures, findings);
}

}  // namespace milena::broker
