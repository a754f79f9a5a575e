// ClientSession: the node's side of one connection. Reads the request header, checks key and version, decodes the body
// and starts the handler. Lives on the connection's shard, owned by the connection.
#pragma once

#include <memory>
#include <vector>

#include "broker/clients/call.h"
#include "broker/clients/session.h"

namespace milena {
struct RequestHeader;
}  // namespace milena

namespace milena::broker {

class SaslGate;
struct ApiFigures;

class ClientSession final : public Session {
 public:
  ClientSession(Shard& shard, ConnectionInfo info, Transport& transport);
  ~ClientSession() override;

  void on_request(Frame frame) override;
  void on_sent(std::span<const RequestTimes> requests, int64_t sent_ns) override;
  void on_unreadable(const std::string& reason) override;
  void on_closed(bool by_peer) override;

 private:
  void ask_for_sasl();
  void refuse(std::string reason);
  void refuse_version(const RequestHeader& header, std::string reason);
  void introduce(const RequestHeader& header);
  void note_work(ApiKey key, const RequestHeader& header);

  Shard& shard_;
  const bool strict_kafka_;
  std::shared_ptr<ConnectionState> connection_;
  // Only on listeners with SASL. If it could not be made there, nothing is served.
  std::unique_ptr<SaslGate> gate_;
  bool barred_ = false;
  // The APIs of the requests whose times are not reported yet, in request order.
  std::vector<ApiFigures*> untold_;
  bool introduced_ = false;  // in the log
  bool works_ = false;       // it has sent more than requests for versions and metadata
};

}  // namespace milena::broker
