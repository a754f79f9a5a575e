// The library's header is not needed to build: the used part of its interface (RFC 2744) is declared here.
#include "security/gssapi.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <utility>

namespace milena::security {
namespace {

struct GssBuffer {
  size_t length = 0;
  void* value = nullptr;
};
struct GssOid {
  uint32_t length;
  void* elements;
};
struct GssKeyValue {
  const char* key;
  const char* value;
};
struct GssKeyValues {
  uint32_t count;
  GssKeyValue* elements;
};
using GssName = struct GssNameOpaque*;
using GssCredential = struct GssCredentialOpaque*;
using GssContext = struct GssContextOpaque*;

constexpr int kAccept = 2;  // GSS_C_ACCEPT
constexpr uint32_t kForever = 0xffffffff;
constexpr uint32_t kErrorBits = 0xffff0000, kContinueNeeded = 1;

// The loaded functions.
struct GssLibrary {
  uint32_t (*import_name)(uint32_t*, GssBuffer*, GssOid*, GssName*) = nullptr;
  uint32_t (*display_name)(uint32_t*, GssName, GssBuffer*, GssOid**) = nullptr;
  uint32_t (*release_name)(uint32_t*, GssName*) = nullptr;
  uint32_t (*release_buffer)(uint32_t*, GssBuffer*) = nullptr;
  uint32_t (*acquire)(uint32_t*, GssName, uint32_t, void*, int, const GssKeyValues*, GssCredential*, void**,
                      uint32_t*) = nullptr;
  uint32_t (*inquire)(uint32_t*, GssCredential, GssName*, uint32_t*, int*, void**) = nullptr;
  uint32_t (*release_credential)(uint32_t*, GssCredential*) = nullptr;
  uint32_t (*accept)(uint32_t*, GssContext*, GssCredential, GssBuffer*, void*, GssName*, GssOid**, GssBuffer*,
                     uint32_t*, uint32_t*, GssCredential*) = nullptr;
  uint32_t (*delete_context)(uint32_t*, GssContext*, GssBuffer*) = nullptr;
  uint32_t (*wrap)(uint32_t*, GssContext, int, uint32_t, GssBuffer*, int*, GssBuffer*) = nullptr;
  uint32_t (*unwrap)(uint32_t*, GssContext, GssBuffer*, GssBuffer*, int*, uint32_t*) = nullptr;
  uint32_t (*display_status)(uint32_t*, uint32_t, int, GssOid*, uint32_t*, GssBuffer*) = nullptr;
  GssOid* krb5_name = nullptr;

  Bytes take(GssBuffer& buffer) const {
    Bytes bytes(static_cast<const char*>(buffer.value), buffer.length);
    uint32_t minor = 0;
    release_buffer(&minor, &buffer);
    return bytes;
  }
  // The library's text of a failure, for the log.
  Bytes words(uint32_t major, uint32_t minor) const {
    Bytes text;
    for (auto [code, kind] : {std::pair(major, 1), std::pair(minor, 2)}) {
      uint32_t more = 0, ignored = 0;
      GssBuffer said;
      if (code == 0 || display_status(&ignored, code, kind, nullptr, &more, &said) != 0) continue;
      text += (text.empty() ? "" : ": ") + take(said);
    }
    return text;
  }
};

template <class Function>
bool find(void* library, const char* name, Function& to) {
  to = reinterpret_cast<Function>(::dlsym(library, name));
  return to != nullptr;
}

// Stays loaded: it may have thread-local data.
Result<const GssLibrary*> load_library() {
  constexpr const char* kName = "libgssapi_krb5.so.2";
  void* library = ::dlopen(kName, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return make_error(ErrorKind::kNotFound, "GSSAPI needs {} (Debian's libgssapi-krb5-2): {}", kName, ::dlerror());
  }
  auto found = std::make_unique<GssLibrary>();
  GssOid** krb5_name = nullptr;
  const bool all =
      find(library, "gss_import_name", found->import_name) && find(library, "gss_display_name", found->display_name) &&
      find(library, "gss_release_name", found->release_name) &&
      find(library, "gss_release_buffer", found->release_buffer) &&
      find(library, "gss_acquire_cred_from", found->acquire) && find(library, "gss_inquire_cred", found->inquire) &&
      find(library, "gss_release_cred", found->release_credential) &&
      find(library, "gss_accept_sec_context", found->accept) &&
      find(library, "gss_delete_sec_context", found->delete_context) && find(library, "gss_wrap", found->wrap) &&
      find(library, "gss_unwrap", found->unwrap) && find(library, "gss_display_status", found->display_status) &&
      find(library, "GSS_KRB5_NT_PRINCIPAL_NAME", krb5_name);
  if (!all) return make_error(ErrorKind::kNotFound, "{} lacks a function that GSSAPI needs", kName);
  found->krb5_name = *krb5_name;
  return static_cast<const GssLibrary*>(found.release());
}

class Credentials;

class GssapiServer final : public SaslServer {
 public:
  explicit GssapiServer(std::shared_ptr<const Credentials> own);
  ~GssapiServer() override;
  SaslStep step(ByteView token) override;

 private:
  enum class Stage { kContext, kOffer, kChoice };

  SaslStep accept(ByteView token);
  SaslStep offer_layers();
  SaslStep take_choice(ByteView token);
  SaslStep failure(ByteView doing, uint32_t major, uint32_t minor) const;

  std::shared_ptr<const Credentials> own_;
  const GssLibrary& gss_;
  GssContext context_ = nullptr;
  GssName client_ = nullptr;
  Stage stage_ = Stage::kContext;
};

class Credentials final : public GssapiCredentials, public std::enable_shared_from_this<Credentials> {
 public:
  Credentials(const GssLibrary& gss, GssCredential acquired, KerberosNames rules, Bytes realm)
      : library(gss), credential(acquired), names(std::move(rules)), default_realm(std::move(realm)) {}
  ~Credentials() override {
    uint32_t minor = 0;
    GssCredential owned = credential;
    library.release_credential(&minor, &owned);
  }
  std::unique_ptr<SaslServer> make_server() const override {
    return std::make_unique<GssapiServer>(shared_from_this());
  }

  const GssLibrary& library;
  const GssCredential credential;
  const KerberosNames names;
  const Bytes default_realm;
};

GssapiServer::GssapiServer(std::shared_ptr<const Credentials> own) : own_(std::move(own)), gss_(own_->library) {}

GssapiServer::~GssapiServer() {
  uint32_t minor = 0;
  if (context_ != nullptr) gss_.delete_context(&minor, &context_, nullptr);
  if (client_ != nullptr) gss_.release_name(&minor, &client_);
}

SaslStep GssapiServer::failure(ByteView doing, uint32_t major, uint32_t minor) const {
  return sasl_bad_credentials(fmt::format("{}: {}", doing, gss_.words(major, minor)));
}

SaslStep GssapiServer::step(ByteView token) {
  switch (stage_) {
    case Stage::kContext: return accept(token);
    case Stage::kOffer: return offer_layers();
    case Stage::kChoice: return take_choice(token);
  }
  return sasl_bad_credentials("out of turn");
}

SaslStep GssapiServer::accept(ByteView token) {
  GssBuffer input{token.size(), const_cast<char*>(token.data())}, output;
  uint32_t minor = 0;
  const uint32_t major = gss_.accept(&minor, &context_, own_->credential, &input, nullptr, &client_, nullptr, &output,
                                     nullptr, nullptr, nullptr);
  Bytes answer = gss_.take(output);
  if ((major & kErrorBits) != 0) return failure("the ticket is not accepted", major, minor);
  if ((major & kContinueNeeded) != 0) return sasl_challenge(std::move(answer));
  stage_ = Stage::kOffer;
  return answer.empty() ? offer_layers() : sasl_challenge(std::move(answer));
}

// No protection of later messages: TLS does that.
SaslStep GssapiServer::offer_layers() {
  Bytes offer("\x01\0\0\0", 4);
  GssBuffer input{offer.size(), offer.data()}, output;
  uint32_t minor = 0;
  const uint32_t major = gss_.wrap(&minor, context_, 0, 0, &input, nullptr, &output);
  Bytes answer = gss_.take(output);
  if ((major & kErrorBits) != 0) return failure("the offer of security layers cannot be signed", major, minor);
  stage_ = Stage::kChoice;
  return sasl_challenge(std::move(answer));
}

SaslStep GssapiServer::take_choice(ByteView token) {
  GssBuffer input{token.size(), const_cast<char*>(token.data())}, output;
  uint32_t minor = 0;
  uint32_t major = gss_.unwrap(&minor, context_, &input, &output, nullptr, nullptr);
  const Bytes choice = gss_.take(output);
  if ((major & kErrorBits) != 0) return failure("the client's choice of a security layer is not signed", major, minor);
  if (choice.size() < 4 || choice[0] != 1) return sasl_bad_credentials("the client chose a security layer that is not "
                                                                       "offered");
  GssBuffer name;
  major = gss_.display_name(&minor, client_, &name, nullptr);
  const Bytes principal = gss_.take(name);
  if ((major & kErrorBits) != 0) return failure("the client has no name", major, minor);
  std::optional<Bytes> user = own_->names.short_name(principal, own_->default_realm);
  if (!user) return sasl_bad_credentials("no rule of sasl.kerberos.principal.to.local.rules matches the principal");
  identity_.principal.name = std::move(*user);
  return sasl_done({});
}

Bytes realm_of(const GssLibrary& gss, GssCredential credential) {
  uint32_t minor = 0;
  GssName name = nullptr;
  GssBuffer text;
  if (gss.inquire(&minor, credential, &name, nullptr, nullptr, nullptr) != 0 || name == nullptr) return {};
  const bool shown = gss.display_name(&minor, name, &text, nullptr) == 0;
  gss.release_name(&minor, &name);
  if (!shown) return {};
  const Bytes principal = gss.take(text);
  const size_t at = principal.rfind('@');
  return at == Bytes::npos ? Bytes() : principal.substr(at + 1);
}

}  // namespace

Result<std::shared_ptr<const GssapiCredentials>> load_gssapi(const GssapiOptions& options, KerberosNames names) {
  static const Result<const GssLibrary*> loaded = load_library();
  RETURN_IF_ERROR(loaded);
  const GssLibrary& gss = **loaded;
  uint32_t minor = 0, major = 0;
  GssName service = nullptr;
  if (!options.service_principal.empty()) {
    Bytes text = options.service_principal;
    GssBuffer buffer{text.size(), text.data()};
    major = gss.import_name(&minor, &buffer, gss.krb5_name, &service);
  }
  GssCredential credential = nullptr;
  GssKeyValue table{"keytab", options.key_table.c_str()};
  const GssKeyValues store{1, &table};
  if ((major & kErrorBits) == 0) {
    major = gss.acquire(&minor, service, kForever, nullptr, kAccept, options.key_table.empty() ? nullptr : &store,
                        &credential, nullptr, nullptr);
  }
  uint32_t ignored = 0;
  if (service != nullptr) gss.release_name(&ignored, &service);
  if ((major & kErrorBits) != 0) {
    return make_error(ErrorKind::kInvalid, "keyTab=\"{}\" principal=\"{}\": {}", options.key_table,
                      options.service_principal, gss.words(major, minor));
  }
  Bytes realm = options.default_realm;
  if (realm.empty()) {
    const size_t at = options.service_principal.rfind('@');
    realm = at == Bytes::npos ? realm_of(gss, credential) : options.service_principal.substr(at + 1);
  }
  return std::shared_ptr<const GssapiCredentials>(
      std::make_shared<Credentials>(gss, credential, std::move(names), std::move(realm)));
}

}  // namespace milena::security
