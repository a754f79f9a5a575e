// ClientBook: notes about a shard's clients for `milena doctor`: clients that got an address and did not connect to it,
// clients that were refused and why, clients whose fetches wait in vain for fetch.min.bytes. Written when a connection
// sends its first real request, when a client is refused and when such a fetch ends, never for an ordinary request.
// Bounded in clients and in the length of their texts. Belongs to the shard's thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "broker/operations/recent_table.h"

namespace milena::broker {

// Clients of one machine with the same client id count as one.
struct ClientName {
  std::string host;
  Bytes client_id;
  auto operator<=>(const ClientName&) const = default;
};

struct ClientTrace {
  // Answers to Metadata on connections that sent no other request.
  uint64_t told = 0;
  int64_t first_told_ms = -1;
  int64_t last_told_ms = -1;
  Bytes told_address;  // the address in the answer
  Bytes came_to;       // the address it connected to
  // One of its connections sent more than requests for addresses.
  bool served = false;

  // Fetches that waited for their whole time because fewer than fetch.min.bytes were available.
  uint64_t starved = 0;
  int64_t last_starved_ms = -1;
  int64_t waited_ms = 0;
  uint64_t min_bytes = 0;
  uint64_t bytes_there = 0;

  // Adds the notes about the same client from another shard.
  void merge(const ClientTrace& other);
};

enum class RefusalKind : uint8_t { kVersion, kCodec, kAuthentication, kTls, kNotKafka, kClock };

struct RefusedClient {
  RefusalKind kind = RefusalKind::kVersion;
  ClientName client;
  auto operator<=>(const RefusedClient&) const = default;
};

struct RefusalTrace {
  uint64_t count = 0;
  int64_t last_ms = -1;
  Bytes reason;    // the last one
  Bytes software;  // with its version; empty if unknown

  void merge(const RefusalTrace& other);
};

class ClientBook {
 public:
  static constexpr size_t kMaxClients = 1000;
  static constexpr size_t kMaxRefusals = 500;
  static constexpr size_t kLongestText = 300;

  void note_told(ByteView host, ByteView client_id, ByteView told_address, ByteView came_to, int64_t now_ms);
  void note_served(ByteView host, ByteView client_id);
  void note_starved_fetch(ByteView host, ByteView client_id, int64_t waited_ms, uint64_t min_bytes,
                          uint64_t bytes_there, int64_t now_ms);
  void note_refusal(RefusalKind kind, ByteView host, ByteView client_id, ByteView software, ByteView reason,
                    int64_t now_ms);

  const RecentTable<ClientName, ClientTrace>& clients() const { return clients_; }
  const RecentTable<RefusedClient, RefusalTrace>& refusals() const { return refusals_; }

 private:
  RecentTable<ClientName, ClientTrace> clients_{kMaxClients};
  RecentTable<RefusedClient, RefusalTrace> refusals_{kMaxRefusals};
};

}  // namespace milena::broker
