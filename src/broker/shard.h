// Shard: one thread of the node, with what lives on it: its context (shard_context.h), the replicas that fall to it and
// what manages them (replica/replica_manager.h), the coordinators of the group and transaction partitions that fall to
// it, and what its connections share.
//
// Parts of a shard are handed the context and what else they need. The whole of it is for those who route work to
// shards and for handlers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/clients/audit_log.h"
#include "broker/clients/client_quotas.h"
#include "broker/clients/client_telemetry.h"
#include "broker/operations/tap.h"
#include "broker/replica/fetch_session.h"
#include "broker/shard_context.h"

namespace milena::security {
class AclAuthorizer;
}  // namespace milena::security

namespace milena::broker {

class GroupRuntime;
class ReplicaManager;
class TransactionRuntime;

class Shard final : public ShardContext {
 public:
  Shard(NodeContext& node, size_t index, size_t count, Executor& executor);
  ~Shard();

  // The partitions of this node that fall to this shard.
  ReplicaManager& replicas() { return *replicas_; }
  // Who follows the requests of a client.
  Taps& taps() { return taps_; }
  FetchSessionCache& fetch_sessions() { return fetch_sessions_; }
  GroupRuntime& groups() { return *groups_; }
  ClientQuotas& quotas() { return quotas_; }
  AuditLog& audit_log() { return audit_log_; }
  // What clients may do.
  const security::Authorizer& authorizer() const {
    return node().authorizer != nullptr ? *node().authorizer : *authorizer_;
  }
  TransactionRuntime& transactions() { return *transactions_; }
  ClientTelemetry& telemetry() { return telemetry_; }

  // Committed records, in order; makes, changes and removes partitions as they say. When it returns, every partition
  // that the records made can be used.
  void apply_metadata(const metadata::MetadataRecords& records, int64_t last_offset);
  // So much is to come, at a start.
  void reserve(size_t topics, size_t partitions);

  // No new work from here on: partitions and coordinators answer what is parked.
  void close();

 private:
  void log_topic_changes(const metadata::ImageDelta& delta) const;
  void apply_config(const metadata::ConfigResource& resource);
  void apply_altered_settings(const metadata::ConfigResource& resource);
  void tell_cordoned_directories();
  void apply_acl(const Uuid& id);

  // Outlives all that uses partitions.
  std::unique_ptr<ReplicaManager> replicas_;
  Taps taps_;
  FetchSessionCache fetch_sessions_;
  ClientQuotas quotas_;
  ClientTelemetry telemetry_;
  // Where the settings name an authorizer; its ACLs are the image's.
  std::unique_ptr<security::AclAuthorizer> acls_;
  const security::Authorizer* authorizer_;
  AuditLog audit_log_;
  std::unique_ptr<GroupRuntime> groups_;
  std::unique_ptr<TransactionRuntime> transactions_;
};

}  // namespace milena::broker
