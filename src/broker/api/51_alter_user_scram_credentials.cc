// AlterUserScramCredentials (key 51), version 0 (KIP-554).
#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "protocol/messages/alter_user_scram_credentials.h"

namespace milena {
namespace {

using AlterUserScramCredentialsCall = Call<AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse>;

void handle_alter_user_scram_credentials(std::shared_ptr<AlterUserScramCredentialsCall> call) {
  ask_controller(call, [call](const Controller& controller) {
    return controller.alter_user_scram_credentials(call->request);
  });
}

}  // namespace

ApiEntry alter_user_scram_credentials_api() { return api_entry<AlterUserScramCredentialsCall, handle_alter_user_scram_credentials>(); }

}  // namespace milena
