// One request as a line of the audit log: the client, the request, and the denied or, for administrative requests,
// granted operations. Pure; broker/clients/audit_log.h writes the file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "security/authorizer.h"

namespace milena::security {

// The authorizer's decisions for one request. Bounded: clients choose how many there are.
class AuditTrail {
 public:
  void note(Permission permission, ByteView resource_name, bool allowed);
  // The target of an administrative request: "topic t".
  void add_target(Bytes target);
  bool has_denied() const { return denied_.count > 0; }

 private:
  friend class AuditLine;
  static constexpr size_t kMaxKept = 20;
  struct Asked {
    Permission permission;
    Bytes resource_name;
  };
  struct Answers {
    std::vector<Asked> kept;
    size_t count = 0;
  };
  Answers allowed_, denied_;
  std::vector<Bytes> targets_;
  size_t target_count_ = 0;
};

struct AuditedRequest {
  int64_t wall_ms = 0;
  const Requester& who;
  ByteView client_id;
  ByteView api;
  int16_t version = 0;
  // It changes the cluster: logged even if nothing was denied.
  bool administrative = false;
};

// A JSON object and a line break.
Bytes audit_line(const AuditedRequest& request, const AuditTrail& trail);
// A line for `lines` omitted lines: the disk was slower than the requests.
Bytes audit_gap_line(int64_t wall_ms, size_t lines);

}  // namespace milena::security
