// PLAIN (RFC 4616): name and password in the clear, against the users of a JAAS line. Pure.
#pragma once

#include <map>
#include <memory>

#include "base/random.h"
#include "security/jaas.h"
#include "security/sasl_server.h"

namespace milena::security {

// Users and their passwords, which are kept as digests under a key of this process. Does not change; any thread.
class PlainUsers {
 public:
  // The options user_NAME="password" of the line.
  PlainUsers(const JaasEntry& entry, Random& random);

  size_t size() const { return digests_.size(); }
  // Takes as long for an unknown user as for a wrong password.
  bool knows(ByteView user, ByteView password) const;

 private:
  Bytes digest(ByteView password) const;

  Bytes key_;
  Bytes nobody_;
  std::map<Bytes, Bytes, std::less<>> digests_;
};

std::unique_ptr<SaslServer> make_plain_server(std::shared_ptr<const PlainUsers> users);

}  // namespace milena::security
