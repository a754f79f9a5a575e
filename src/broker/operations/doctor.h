// Finds problems of a node, with advice: rules over NodeFigures. Pure: the same figures give the same findings.
//
// Texts that clients chose (ids, names) are escaped in all findings. Of many similar problems, only the first are
// named.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "broker/operations/node_figures.h"

namespace milena::broker {

enum class Severity : uint8_t {
  kInfo,     // good to know
  kWarning,  // a client waits, or will
  kError,    // something does not work
};
ByteView severity_name(Severity severity);

struct Diagnosis {
  Severity severity = Severity::kWarning;
  const char* kind = "";        // the same for all findings of a rule: "client-not-arrived"
  const char* about_type = "";  // "client", "group", "transaction", "partition", "topic", "broker", ...
  Bytes about;
  Bytes problem;  // a sentence each
  Bytes remedy;
};
using Diagnoses = std::vector<Diagnosis>;

// The worst first. The figures are complete().
Diagnoses examine(const NodeFigures& figures);
size_t count_of(const Diagnoses& findings, Severity at_least);

// Of clients that asked this broker for addresses alone, and work at none that it knows of; and those that work here.
// The names are those of findings.
Diagnoses examine_absent_clients(const NodeFigures& figures);
std::vector<Bytes> served_clients(const NodeFigures& figures);

// The rules, by what they look at.
void examine_clients(const NodeFigures& figures, Diagnoses& findings);
void examine_waits(const NodeFigures& figures, Diagnoses& findings);    // transactions and groups
void examine_storage(const NodeFigures& figures, Diagnoses& findings);  // directories, partitions, brokers, timestamps
void examine_settings(const NodeFigures& figures, Diagnoses& findings);
void examine_clocks(const NodeFigures& figures, Diagnoses& findings);

// For the rules.
inline constexpr size_t kMaxOfAKind = 20;
// Normal waits are shorter.
inline constexpr int64_t kLong_ms = 5000;
// A problem that was noted once and has not recurred for this long is over.
inline constexpr int64_t kRecent_ms = 600'000;
// "1.5 s", "2 h 10 min".
Bytes span_text(int64_t ms);
// "billing" of 10.0.0.5
Bytes client_text(ByteView client_id, ByteView host);

}  // namespace milena::broker
