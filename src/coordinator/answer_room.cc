#include "coordinator/answer_room.h"

#include "base/log.h"

namespace milena::coordinator {

void AnswerRoom::take(size_t bytes, ByteView host, ByteView name) {
  if (!take(bytes)) return;
  log_warn("A response to {} exceeds {} bytes with {}: the rest of it is refused", host, kBytes, name);
}

}  // namespace milena::coordinator
