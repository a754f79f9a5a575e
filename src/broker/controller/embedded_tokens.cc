// The embedded controller's requests about delegation tokens.
#include "broker/controller/embedded_controller_call.h"
#include "metadata/delegation_tokens.h"

namespace milena::broker {
namespace {

// `method(image, context, request)` decides with the state at the time when the controller runs it.
template <class Response, class Request, class Method>
void decide_about_token(const EmbeddedCallPtr& call, Method method) {
  decide_embedded<Response>(call, [call, request = call->request.as<Request>(),
                                   method](const metadata::Controller& controller) {
    ShardContext& home = call->runtime.home();
    const metadata::DelegationTokenSettings settings = metadata::DelegationTokenSettings::from(home.settings());
    const security::Principal& who = call->context.principal;
    return method(controller.image(), metadata::TokenRequestContext{settings, who.type + ":" + who.name, home.now_ms()},
                  *request, home);
  });
}

}  // namespace

void create_delegation_token_embedded(const EmbeddedCallPtr& call) {
  decide_about_token<CreateDelegationTokenResponse, CreateDelegationTokenRequest>(
      call, [](const metadata::MetadataImage& image, const metadata::TokenRequestContext& context, const auto& request,
               ShardContext& home) {
        return metadata::create_delegation_token(image, context, request, Uuid::random(home.executor().random()));
      });
}

void renew_delegation_token_embedded(const EmbeddedCallPtr& call) {
  decide_about_token<RenewDelegationTokenResponse, RenewDelegationTokenRequest>(
      call, [](const metadata::MetadataImage& image, const metadata::TokenRequestContext& context, const auto& request,
               ShardContext&) { return metadata::renew_delegation_token(image, context, request); });
}

void expire_delegation_token_embedded(const EmbeddedCallPtr& call) {
  decide_about_token<ExpireDelegationTokenResponse, ExpireDelegationTokenRequest>(
      call, [](const metadata::MetadataImage& image, const metadata::TokenRequestContext& context, const auto& request,
               ShardContext&) { return metadata::expire_delegation_token(image, context, request); });
}

}  // namespace milena::broker
