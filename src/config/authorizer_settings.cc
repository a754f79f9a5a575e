#include "config/authorizer_settings.h"

#include <strings.h>

#include "config/config_values.h"
#include "config/listener_settings.h"

namespace milena::config {
namespace {

Status read_super_users(const Settings& settings, std::set<Bytes, std::less<>>& users) {
  const std::optional<Bytes> text = settings.explicit_text(kSuperUsers);
  for (ByteView left = text ? ByteView(*text) : ByteView(); !left.empty();) {
    const size_t end = std::min(left.find(';'), left.size());
    const ByteView one = trim_blanks(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
    if (one.empty()) continue;
    if (one.find(':') == ByteView::npos) {
      return make_error(ErrorKind::kInvalid,
                        "{}={} ({}): expected principals as User:name, separated by semicolons, "
                        "found \"{}\"",
                        kSuperUsers, *text, settings.origin_of_other(kSuperUsers), one);
    }
    users.emplace(one);
  }
  return ok_status();
}

}  // namespace

Result<PlaintextPrincipals> plaintext_principals(const Settings& settings,
                                                 const std::vector<ListenerEndpoint>& listeners) {
  PlaintextPrincipals principals;
  for (const ListenerEndpoint& listener : listeners) {
    if (listener.protocol != "PLAINTEXT") continue;
    const auto found = ListenerSettings(settings, listener.listener_name).find({}, kPlaintextPrincipal);
    if (!found || found->text.empty()) continue;
    const size_t colon = found->text.find(':');
    if (colon == Bytes::npos || colon == 0 || colon + 1 == found->text.size()) {
      return ListenerSettings::mistake(*found, false, "expected a principal as User:name");
    }
    principals.emplace(listener.listener_name, found->text);
  }
  return principals;
}

Result<AuthorizerSettings> authorizer_settings(const Settings& settings) {
  AuthorizerSettings result;
  const std::optional<Bytes>& name = settings.text("authorizer.class.name");
  if (!name || name->empty()) return result;
  if (*name != kStandardAuthorizer) {
    return make_error(ErrorKind::kInvalid,
                      "authorizer.class.name={} ({}): expected {}; Milena runs no Java classes, so the rules of "
                      "another authorizer would not apply. Start this node with Kafka, or set the expected class and "
                      "create ACLs",
                      *name, settings.origin("authorizer.class.name"), kStandardAuthorizer);
  }
  result.enforced = true;
  RETURN_IF_ERROR(read_super_users(settings, result.super_users));
  const std::optional<Bytes> everyone = settings.explicit_text(kAllowEveryone);
  result.allow_if_no_acl = everyone && ::strcasecmp(Bytes(trim_blanks(*everyone)).c_str(), "true") == 0;
  return result;
}

}  // namespace milena::config
