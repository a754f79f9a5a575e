// SCRAM's messages (RFC 5802, the part that Kafka uses): the two of a client, and a server's first. Pure; views of the
// text.
#pragma once

#include <optional>

#include "base/bytes.h"

namespace milena::security {

// n,[a=authzid],[m=…,]n=user,r=nonce[,name=value]…  Channel binding is not offered.
struct ScramClientFirst {
  Bytes authorization_id;
  Bytes user;  // with '=2C' and '=3D' decoded
  ByteView nonce;
  ByteView bare;          // without the header: the signed part
  bool by_token = false;  // the extension tokenauth=true: the user is the id of a delegation token
};
std::optional<ScramClientFirst> parse_scram_client_first(ByteView message);

// c=binding,r=nonce[,name=value]…,p=proof
struct ScramClientFinal {
  ByteView channel;  // in base64
  ByteView nonce;
  Bytes proof;
};
std::optional<ScramClientFinal> parse_scram_client_final(ByteView message);

// r=nonce,s=salt,i=iterations[,name=value]…
struct ScramServerFirst {
  ByteView nonce;
  Bytes salt;
  int64_t iterations = 0;
};
std::optional<ScramServerFirst> parse_scram_server_first(ByteView message);

// For all SASL names: '=2C' is ',' and '=3D' is '='. nullopt for an invalid name.
std::optional<Bytes> unescape_sasl_name(ByteView name);
Bytes escape_sasl_name(ByteView name);

}  // namespace milena::security
