// The arguments of --add-scram. Source: Kafka's ScramParser.
#include <fmt/format.h>

#include <map>

#include "broker/storage/bootstrap_checkpoint.h"
#include "config/config_values.h"
#include "security/base64.h"
#include "security/scram.h"

namespace milena::broker {
namespace {

using Parts = std::map<Bytes, Bytes, std::less<>>;

Error scram_error(ByteView what) {
  return make_error(ErrorKind::kInvalid,
                    "--add-scram: {}; example: SCRAM-SHA-256=[name=alice,password=alice-secret]", what);
}

// "name=alice,iterations=8192,password=\"…\"". A comma ends a part, even in quotes, as in Kafka.
Result<Parts> parts_of_argument(ByteView text) {
  Parts parts;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    ByteView part = text.substr(0, comma);
    text = comma == ByteView::npos ? ByteView() : text.substr(comma + 1);
    const size_t equals = part.find('=');
    if (equals == ByteView::npos) return scram_error(fmt::format("part {} has no '='", parts.size() + 1));
    ByteView value = part.substr(equals + 1);
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
    parts[Bytes(part.substr(0, equals))] = Bytes(value);
  }
  return parts;
}

std::optional<Bytes> take_part(Parts& parts, ByteView name) {
  auto found = parts.find(name);
  if (found == parts.end()) return std::nullopt;
  Bytes value = std::move(found->second);
  parts.erase(found);
  return value;
}

Result<Bytes> salted_password_of(Parts& parts, security::ScramMechanism mechanism, bool has_salt, ByteView salt,
                                 int32_t iterations) {
  std::optional<Bytes> password = take_part(parts, "password"), salted = take_part(parts, "saltedpassword");
  if (password) {
    if (password->empty()) return scram_error("the password is empty");
    return security::salted_password(mechanism, *password, salt, iterations);
  }
  if (!salted) return scram_error("expected 'password' or 'saltedpassword'");
  if (!has_salt) return scram_error("'saltedpassword' without 'salt'");
  std::optional<Bytes> decoded = security::base64_decode(*salted);
  if (!decoded || decoded->empty()) return scram_error("'saltedpassword' is not base64");
  return std::move(*decoded);
}

Result<UserScramCredentialRecord> scram_record(ByteView argument, Random& random) {
  argument = config::trim_blanks(argument);
  const size_t equals = argument.find('=');
  if (equals == ByteView::npos) return scram_error("expected a '='");
  std::optional<security::ScramMechanism> mechanism = security::parse_scram_mechanism(argument.substr(0, equals));
  if (!mechanism) return scram_error("expected the mechanism SCRAM-SHA-256 or SCRAM-SHA-512");
  ByteView inner = argument.substr(equals + 1);
  if (inner.size() < 2 || !inner.starts_with('[') || !inner.ends_with(']')) return scram_error("expected [ and ]");
  auto parts = parts_of_argument(inner.substr(1, inner.size() - 2));
  RETURN_IF_ERROR(parts);
  std::optional<Bytes> name = take_part(*parts, "name"), salt = take_part(*parts, "salt");
  if (!name || name->empty()) return scram_error("'name' is missing");
  std::optional<Bytes> decoded_salt = salt ? security::base64_decode(*salt) : security::random_scram_text(random);
  if (!decoded_salt) return scram_error("'salt' is not base64");
  int64_t iterations = security::kMinScramIterations;
  if (auto text = take_part(*parts, "iterations")) iterations = config::parse_integer(*text).value_or(0);
  if (iterations < security::kMinScramIterations || iterations > security::kMaxScramIterations) {
    return scram_error(fmt::format("'iterations': expected {} to {}", security::kMinScramIterations,
                                   security::kMaxScramIterations));
  }
  auto salted = salted_password_of(*parts, *mechanism, salt.has_value(), *decoded_salt,
                                   static_cast<int32_t>(iterations));
  RETURN_IF_ERROR(salted);
  if (!parts->empty()) return scram_error("expected only the parts name, password, saltedpassword, salt and "
                                          "iterations");
  security::ScramCredential credential =
      security::scram_credential(*mechanism, *salted, *decoded_salt, static_cast<int32_t>(iterations));
  UserScramCredentialRecord record;
  record.name = std::move(*name);
  record.mechanism = static_cast<int8_t>(*mechanism);
  record.salt = std::move(credential.salt);
  record.stored_key = std::move(credential.stored_key);
  record.server_key = std::move(credential.server_key);
  record.iterations = credential.iterations;
  return record;
}

}  // namespace

Result<metadata::MetadataRecords> scram_records(std::span<const std::string> arguments, Random& random) {
  metadata::MetadataRecords records;
  for (const std::string& argument : arguments) {
    auto record = scram_record(argument, random);
    RETURN_IF_ERROR(record);
    records.emplace_back(record.take());
  }
  return records;
}

}  // namespace milena::broker
