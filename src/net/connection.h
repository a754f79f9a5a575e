// Connection: one client's socket on its shard. Cuts the received bytes into requests, passes them one at a time to the
// Session, and sends the responses; all writes of a turn go out together at its end.
//
// Owned by its ConnectionSet (and by waits of its stream). Everything runs on the loop's thread. Bounds: reading stops
// while unanswered requests or unsent responses are over a limit. The Session is notified exactly once that the
// connection is gone, never from within a call of its own.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/clients/session.h"
#include "net/protocol.h"
#include "net/stream.h"
#include "net/write_queue.h"

namespace milena::net {

class ConnectionSet;

class Connection final : public broker::Transport,
                         public StreamWatcher,
                         public std::enable_shared_from_this<Connection> {
 public:
  Connection(ConnectionSet& set, std::unique_ptr<Stream> stream, std::unique_ptr<RequestReader> reader,
             const broker::ConnectionInfo& info);

  // Call once, after construction: starts the stream's handshake, and then the Session.
  void start();

  // Transport, for the Session.
  void send(Payload answer) override;
  void send_nothing() override;
  void send_part(Payload part) override;
  uint64_t unsent_bytes() const override { return writes_.unsent_bytes(); }
  void pause(int64_t ms) override;
  void authenticated() override;
  void close(std::string reason) override;

  // Runs its slice of the loop's postponed work.
  void resume();
  // Called at the end of a turn that used this connection.
  void end_turn();
  // Closes now, and drops unsent bytes. Not from within a call of the Session.
  enum class End {
    kPeer,   // the other side closed or reset it
    kLost,   // the network failed: the peer's state is unknown
    kQuiet,  // we closed it, in normal operation
    kFault,  // we closed it, for a reason to be logged
  };
  void drop(End end, const std::string& reason);
  // After drop(), when the Session is not on the stack.
  void destroy_session() { session_.reset(); }

  const broker::ConnectionInfo& info() const { return info_; }
  bool gone() const { return gone_; }
  // A request is being handled: waiting for its answer is not idleness.
  bool busy() const { return busy_ && !closing_; }
  // A step of the handshake is being computed: that time does not count against the client.
  bool handshake_works() const { return handshake_works_; }

  // For the set's list of connections in the order of their last activity.
  int64_t active_ms = 0;
  std::list<Connection*>::iterator place;
  bool touched = false;
  // Its place among the strangers, while it is one (strangers.h).
  std::optional<std::list<Connection*>::iterator> stranger_place;
  int64_t stranger_since_ms = 0;

 private:
  // Whether reading, or writing, waits for the stream to be readable or writable.
  enum class Wait { kNone, kReadable, kWritable };

  void on_readable() override;
  void on_writable() override;
  void open();
  void fail_handshake(const IoResult& result);
  bool wants_to_read() const;
  bool may_deliver() const;
  void watch_reads();
  void watch();
  void wake(Wait ready);
  void read_more();
  void deliver();
  void serve();
  void flush();
  void fail(int error);
  void answered();
  void note_answered(int64_t now_ns);
  void tell_sent(int64_t now_ns);

  ConnectionSet& set_;
  std::unique_ptr<Stream> stream_;
  broker::ConnectionInfo info_;
  std::unique_ptr<broker::Session> session_;

  std::unique_ptr<RequestReader> reader_;
  std::deque<broker::Frame> frames_;  // complete requests that wait for their turn
  size_t frame_bytes_ = 0;
  WriteQueue writes_;
  broker::RequestTimes times_;                // of the request under way
  std::vector<broker::RequestTimes> unsent_;  // of requests with unsent responses
  std::string input_error_;
  std::string close_reason_;

  bool opened_ = false;       // the handshake is over
  bool handshake_works_ = false;
  bool busy_ = false;         // a request was passed on and not answered yet
  bool delivering_ = false;   // the Session is on the stack
  bool heavy_ = false;        // the last requests took longer than the slice of a turn
  bool postponed_ = false;    // the next requests wait for the loop's postponed work
  Wait read_waits_ = Wait::kNone;
  Wait write_waits_ = Wait::kNone;
  bool watches_readable_ = false;
  bool watches_writable_ = false;
  bool input_ended_ = false;  // no more reads: end of input, or an invalid request
  bool closing_ = false;      // close when the responses are sent
  bool gone_ = false;
  int64_t paused_until_ms_ = 0;
};

}  // namespace milena::net
