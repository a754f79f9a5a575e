// Settings that do nothing, and settings that cannot work.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "broker/operations/doctor.h"
#include "metadata/internal_topics.h"

namespace milena::broker {
namespace {

void examine_idle(const SettingSymptoms& settings, Diagnoses& findings) {
  for (const std::string& warning : settings.warnings) {
    const Bytes text = escape_for_log(warning);
    findings.push_back({Severity::kWarning, "setting-ignored", "setting", text.substr(0, text.find_first_of(":= ")),
                        text + ".", "Correct its name or its value, or remove it (`milena config` shows the effective "
                                    "settings)."});
  }
  for (const SettingSymptoms::Idle& idle : settings.without_effect) {
    findings.push_back({Severity::kInfo, "setting-without-effect", "setting", idle.name,
                        fmt::format("{} is set ({}) and has no effect here.", idle.name, escape_for_log(idle.origin)),
                        "Nothing needs to be done; it may be removed."});
  }
}

// Auto-created topics that cannot be created with these settings.
void examine_replicas(const NodeFigures& figures, const char* setting, int32_t replicas, ByteView topic,
                      Diagnoses& findings) {
  const size_t brokers = std::max<size_t>(figures.brokers.size(), 1);
  if (replicas < 0 || static_cast<size_t>(replicas) <= brokers) return;
  if (!topic.empty() && figures.topic_partitions.contains(Bytes(topic))) return;
  const Bytes what = topic.empty() ? Bytes("topics without a replication factor") : Bytes(topic);
  findings.push_back({Severity::kError, "replication-factor", "setting", setting,
                      fmt::format("{} is {}, but there are {} brokers: {} cannot be created.", setting, replicas,
                                  brokers, what),
                      fmt::format("Set {} to {}, or add brokers.", setting, brokers)});
}

void examine_min_in_sync(const NodeFigures& figures, Diagnoses& findings) {
  std::set<Bytes> topics;
  for (const PartitionFigures& partition : figures.partitions) {
    const bool can_work = partition.replicas == 0 || partition.min_in_sync <= partition.replicas;
    if (can_work || !topics.insert(partition.name.topic).second) continue;
    if (topics.size() > kMaxOfAKind) return;
    const Bytes name = escape_for_log(partition.name.topic);
    findings.push_back({Severity::kInfo, "min-isr-too-large", "topic", name,
                        fmt::format("min.insync.replicas of topic {} is {}, but its partitions have {} replicas: "
                                    "records with acks=all are accepted once all of these have them.",
                                    name, partition.min_in_sync, partition.replicas),
                        "Give the topic more replicas if its records must survive the loss of a broker."});
  }
}

}  // namespace

void examine_settings(const NodeFigures& figures, Diagnoses& findings) {
  const SettingSymptoms& settings = figures.symptoms.settings;
  examine_min_in_sync(figures, findings);
  examine_replicas(figures, "offsets.topic.replication.factor", settings.offsets_replicas,
                   metadata::kConsumerOffsetsTopic, findings);
  examine_replicas(figures, "transaction.state.log.replication.factor", settings.transactions_replicas,
                   metadata::kTransactionStateTopic, findings);
  examine_replicas(figures, "default.replication.factor", settings.default_replicas, {}, findings);
  examine_idle(settings, findings);
}

}  // namespace milena::broker
