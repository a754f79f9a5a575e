// Shard: one thread of the node, with the objects that live on it: its context (shard_context.h), its replicas
// (replica/replica_manager.h), the coordinators of its group and transaction partitions, and the objects that its
// connections share.
//
// Parts of a shard get the context and the other objects that they need. Only handlers and code that routes work to
// shards use the whole Shard.
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

  // The partitions of this node that this shard owns.
  ReplicaManager& replicas() { return *replicas_; }
  // The readers that follow a client's requests.
  Taps& taps() { return taps_; }
  FetchSessionCache& fetch_sessions() { return fetch_sessions_; }
  GroupRuntime& groups() { return *groups_; }
  ClientQuotas& quotas() { return quotas_; }
  AuditLog& audit_log() { return audit_log_; }
  // The permissions of clients.
  const security::Authorizer& authorizer() const {
    return node().authorizer != nullptr ? *node().authorizer : *authorizer_;
  }
  TransactionRuntime& transactions() { return *transactions_; }
  ClientTelemetry& telemetry() { return telemetry_; }

  // Applies committed records, in order: creates, changes and removes partitions. When it returns, every partition that
  // the records created can be used.
  void apply_metadata(const metadata::MetadataRecords& records, int64_t last_offset);
  // The expected numbers at a start.
  void reserve(size_t topics, size_t partitions);

  // Accepts no new work: partitions and coordinators answer the parked requests.
  void close();

 private:
  void log_topic_changes(const metadata::ImageDelta& delta) const;
  void apply_config(const metadata::ConfigResource& resource);
  void apply_altered_settings(const metadata::ConfigResource& resource);
  void tell_cordoned_directories();
  void apply_acl(const Uuid& id);

  // Outlives all users of partitions.
  std::unique_ptr<ReplicaManager> replicas_;
  Taps taps_;
  FetchSessionCache fetch_sessions_;
  ClientQuotas quotas_;
  ClientTelemetry telemetry_;
  // Set if the settings name an authorizer; its ACLs are the image's.
  std::unique_ptr<security::AclAuthorizer> acls_;
  const security::Authorizer* authorizer_;
  AuditLog audit_log_;
  std::unique_ptr<GroupRuntime> groups_;
  std::unique_ptr<TransactionRuntime> transactions_;
};

}  // namespace milena::broker
