// An encrypting stream: OpenSSL between a plain stream and its connection. File bytes go from the page cache through
// the loop's buffer into a record; several records go to the socket with one system call.
//
// The steps of the handshake run on threads of low priority (Executor::run_computation), so that clients that only
// connect just use spare processor time.
#pragma once

#include <memory>

#include "net/stream.h"
#include "net/tls_engine.h"

namespace milena::net {

// Takes ownership of the descriptor. With a server's host it is the stream of a client.
std::unique_ptr<Stream> make_tls_stream(EventLoop& loop, int descriptor, std::shared_ptr<TlsContextSource> contexts,
                                        std::string server_host = {});

}  // namespace milena::net
