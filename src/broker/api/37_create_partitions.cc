// CreatePartitions (key 37), versions 0-3. Answered when the new partitions can be used.
#include "broker/api/controller_call.h"
#include "broker/api/handlers.h"
#include "protocol/messages/create_partitions.h"

namespace milena {

void handle_create_partitions(std::shared_ptr<CreatePartitionsCall> call) {
  ask_controller(call, [call](const Controller& controller) { return controller.create_partitions(call->request); });
}

}  // namespace milena
