#include "security/distinguished_name.h"

#include <fmt/format.h>
#include <openssl/objects.h>

#include <algorithm>

namespace milena::security {
namespace {

// RFC 2253's own keywords; other types are written as numbers.
const char* keyword_of(int nid) {
  switch (nid) {
    case NID_commonName: return "CN";
    case NID_countryName: return "C";
    case NID_localityName: return "L";
    case NID_stateOrProvinceName: return "ST";
    case NID_organizationName: return "O";
    case NID_organizationalUnitName: return "OU";
    case NID_streetAddress: return "STREET";
    case NID_domainComponent: return "DC";
    case NID_userId: return "UID";
    default: return nullptr;
  }
}

bool is_text(int type) {
  switch (type) {
    case V_ASN1_UTF8STRING:
    case V_ASN1_PRINTABLESTRING:
    case V_ASN1_T61STRING:
    case V_ASN1_IA5STRING:
    case V_ASN1_GENERALSTRING:
    case V_ASN1_BMPSTRING:
    case V_ASN1_UNIVERSALSTRING: return true;
    default: return false;
  }
}

bool is_edge_blank(char c) { return c == ' ' || c == '\r'; }

// The size of the character at the front; 0 if it is not valid UTF-8.
size_t character_size(ByteView text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || size > text.size()) return 0;
  for (size_t i = 1; i < size; i++) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  }
  return size;
}

// Java treats all types of strings as UTF-8.
Bytes as_utf8(ByteView text) {
  constexpr ByteView kReplacement = "\xef\xbf\xbd";
  Bytes out;
  while (!text.empty()) {
    const size_t size = character_size(text);
    out += size == 0 ? kReplacement : text.substr(0, size);
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return out;
}

void append_escaped(Bytes& out, ByteView value) {
  constexpr ByteView kEscaped = ",=+<>#;\"\\";
  Bytes escaped;
  for (char c : as_utf8(value)) {
    if (c == '\0') {
      escaped += "\\00";
      continue;
    }
    if (kEscaped.find(c) != ByteView::npos) escaped.push_back('\\');
    escaped.push_back(c);
  }
  size_t lead = 0, trail = escaped.size();
  while (lead < escaped.size() && is_edge_blank(escaped[lead])) lead++;
  while (trail > lead && is_edge_blank(escaped[trail - 1])) trail--;
  for (size_t i = 0; i < escaped.size(); i++) {
    if (i < lead || i >= trail) out.push_back('\\');
    out.push_back(escaped[i]);
  }
}

// The value's own DER, type and length before it.
void append_hexadecimal(Bytes& out, const ASN1_STRING* value) {
  ASN1_TYPE typed{};
  typed.type = ASN1_STRING_type(value);
  typed.value.asn1_string = const_cast<ASN1_STRING*>(value);
  unsigned char* der = nullptr;
  const int size = i2d_ASN1_TYPE(&typed, &der);
  out.push_back('#');
  for (int i = 0; i < size; i++) out += fmt::format("{:02x}", der[i]);
  OPENSSL_free(der);
}

void append_entry(Bytes& out, const X509_NAME_ENTRY* entry) {
  const ASN1_OBJECT* type = X509_NAME_ENTRY_get_object(entry);
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(entry);
  const char* keyword = keyword_of(OBJ_obj2nid(type));
  if (keyword != nullptr) {
    out += keyword;
  } else {
    char number[128];
    OBJ_obj2txt(number, sizeof number, type, 1);
    out += number;
  }
  out.push_back('=');
  if (keyword == nullptr || !is_text(ASN1_STRING_type(value))) return append_hexadecimal(out, value);
  append_escaped(out, ByteView(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                               static_cast<size_t>(ASN1_STRING_length(value))));
}

}  // namespace

// The last part first; within a part of several values, as encoded.
Bytes distinguished_name(const X509_NAME* name) {
  Bytes text;
  int end = X509_NAME_entry_count(name);
  while (end > 0) {
    const int set = X509_NAME_ENTRY_set(X509_NAME_get_entry(name, end - 1));
    int start = end;
    while (start > 0 && X509_NAME_ENTRY_set(X509_NAME_get_entry(name, start - 1)) == set) start--;
    if (!text.empty()) text.push_back(',');
    for (int i = start; i < end; i++) {
      if (i > start) text.push_back('+');
      append_entry(text, X509_NAME_get_entry(name, i));
    }
    end = start;
  }
  return text;
}

}  // namespace milena::security
