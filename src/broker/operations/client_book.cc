#include "broker/operations/client_book.h"

#include <algorithm>

namespace milena::broker {
namespace {

Bytes shortened(ByteView text) { return Bytes(text.substr(0, ClientBook::kLongestText)); }

ClientName name_of(ByteView host, ByteView client_id) { return {std::string(host), shortened(client_id)}; }

}  // namespace

void ClientTrace::merge(const ClientTrace& other) {
  told += other.told;
  if (first_told_ms < 0 || (other.first_told_ms >= 0 && other.first_told_ms < first_told_ms)) {
    first_told_ms = other.first_told_ms;
  }
  if (other.last_told_ms > last_told_ms) {
    last_told_ms = other.last_told_ms;
    told_address = other.told_address;
    came_to = other.came_to;
  }
  served = served || other.served;
  starved += other.starved;
  if (other.last_starved_ms <= last_starved_ms) return;
  last_starved_ms = other.last_starved_ms;
  waited_ms = other.waited_ms;
  min_bytes = other.min_bytes;
  bytes_there = other.bytes_there;
}

void RefusalTrace::merge(const RefusalTrace& other) {
  count += other.count;
  if (other.last_ms <= last_ms) return;
  last_ms = other.last_ms;
  reason = other.reason;
  software = other.software;
}

void ClientBook::note_told(ByteView host, ByteView client_id, ByteView told_address, ByteView came_to,
                           int64_t now_ms) {
  ClientTrace& trace = clients_.touch(name_of(host, client_id));
  trace.told++;
  if (trace.first_told_ms < 0) trace.first_told_ms = now_ms;
  trace.last_told_ms = now_ms;
  trace.told_address = shortened(told_address);
  trace.came_to = shortened(came_to);
}

void ClientBook::note_served(ByteView host, ByteView client_id) {
  clients_.touch(name_of(host, client_id)).served = true;
}

void ClientBook::note_starved_fetch(ByteView host, ByteView client_id, int64_t waited_ms, uint64_t min_bytes,
                                    uint64_t bytes_there, int64_t now_ms) {
  ClientTrace& trace = clients_.touch(name_of(host, client_id));
  trace.starved++;
  trace.last_starved_ms = now_ms;
  trace.waited_ms = waited_ms;
  trace.min_bytes = min_bytes;
  trace.bytes_there = bytes_there;
}

void ClientBook::note_refusal(RefusalKind kind, ByteView host, ByteView client_id, ByteView software, ByteView reason,
                              int64_t now_ms) {
  RefusalTrace& trace = refusals_.touch({kind, name_of(host, client_id)});
  trace.count++;
  trace.last_ms = now_ms;
  trace.reason = shortened(reason);
  trace.software = shortened(software);
}

}  // namespace milena::broker
