// A stream that encrypts: OpenSSL between a plain stream and its connection. Each byte is encrypted once and copied no
// further: file bytes go from the page cache through the loop's buffer into a record.
//
// The steps of the handshake are computed on the threads that give way to the loops (Executor::run_computation), so
// that clients that only connect cost the others nothing but processor time that is left.
#pragma once

#include <memory>

#include "net/stream.h"
#include "net/tls_engine.h"

namespace milena::net {

// Takes the descriptor over. With a server's host it is the stream of a client.
std::unique_ptr<Stream> make_tls_stream(EventLoop& loop, int descriptor, std::shared_ptr<TlsContextSource> contexts,
                                        std::string server_host = {});

}  // namespace milena::net
