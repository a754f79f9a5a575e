#include "broker/controller/token_expiry.h"

#include "broker/controller/metadata_runtime.h"
#include "broker/shard_context.h"
#include "metadata/delegation_tokens.h"

namespace milena::broker {

void TokenExpiry::note_tokens() {
  ShardContext& home = metadata_.home();
  if (armed_ || home.closed() || home.image().delegation_tokens().empty()) return;
  armed_ = true;
  home.executor().call_after(home.settings().get_long("delegation.token.expiry.check.interval.ms"), [this] {
    armed_ = false;
    sweep();
  });
}

void TokenExpiry::sweep() {
  ShardContext& home = metadata_.home();
  if (home.closed()) return;
  metadata_.submit<bool>(
      home.shard(),
      [now_ms = home.now_ms()](const metadata::Controller& controller) {
        return metadata::remove_expired_tokens(controller.image(), now_ms);
      },
      [this](bool more) {
        if (more) {
          sweep();
        } else {
          note_tokens();
        }
      });
}

}  // namespace milena::broker
