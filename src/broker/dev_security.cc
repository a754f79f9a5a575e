#include "broker/dev_security.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "config/authorizer_settings.h"
#include "config/config_listeners.h"
#include "config/settings_file.h"
#include "security/certificates.h"
#include "security/scram.h"

namespace milena::broker {
namespace {

constexpr ByteView kAdmin = "admin";
constexpr ByteView kReader = "reader";
constexpr ByteView kUsers[] = {kAdmin, kReader};
constexpr ByteView kListener = "DEV";

// Readable and writable for its owner alone from its creation on.
Status write_secret(const std::string& path, ByteView content) {
  const std::string part = path + ".tmp";
  const int descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return make_error(ErrorKind::kIo, "{}: {}", part, std::strerror(errno));
  ByteView rest = content;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor, rest.data(), rest.size());
    if (written <= 0) break;
    rest.remove_prefix(static_cast<size_t>(written));
  }
  ::fchmod(descriptor, 0600);
  ::close(descriptor);
  if (!rest.empty() || ::rename(part.c_str(), path.c_str()) != 0) {
    return make_error(ErrorKind::kIo, "{}: {}", path, std::strerror(errno));
  }
  return ok_status();
}

std::string first_log_directory(const config::Settings& settings) {
  std::string directory = settings.get_list("log.dirs").front();
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  return directory;
}

// Created at the first start, and read at later ones.
struct Secrets {
  std::map<Bytes, Bytes> passwords;
  security::MadeCertificate authority;
  security::MadeCertificate server;
};

Result<std::map<Bytes, Bytes>> passwords_of(FileSystem& files, const std::string& path, Random& random) {
  std::map<Bytes, Bytes> passwords;
  if (files.exists(path)) {
    auto content = files.read_file(path);
    RETURN_IF_ERROR(content);
    auto lines = parse_properties(*content);
    RETURN_IF_ERROR(lines);
    for (const Property& line : *lines) passwords[line.key] = line.value;
  }
  Bytes content;
  for (ByteView user : kUsers) {
    Bytes& password = passwords[Bytes(user)];
    if (password.empty()) password = security::random_scram_text(random);
    content += fmt::format("{}={}\n", user, password);
  }
  RETURN_IF_ERROR(write_secret(path, content));
  return passwords;
}

Result<security::MadeCertificate> authority_of(FileSystem& files, const std::string& directory, int64_t now_ms) {
  const std::string certificate = directory + "/ca.pem", key = directory + "/ca.key";
  if (files.exists(certificate) && files.exists(key)) {
    auto both = std::pair(files.read_file(certificate), files.read_file(key));
    if (!both.first) return both.first.error();
    if (!both.second) return both.second.error();
    return security::MadeCertificate{both.first.take(), both.second.take()};
  }
  auto made = security::make_authority("Milena development", now_ms);
  RETURN_IF_ERROR(made);
  RETURN_IF_ERROR(write_secret(key, made->key));
  RETURN_IF_ERROR(files.write_file_atomically(certificate, made->certificate));
  return made;
}

Status make_certificates(FileSystem& files, const std::string& directory, const DevSecurityOptions& options,
                         int64_t now_ms) {
  auto authority = authority_of(files, directory, now_ms);
  RETURN_IF_ERROR(authority);
  std::vector<Bytes> names = {"localhost"}, addresses = {"127.0.0.1", "::1"};
  names.insert(names.end(), options.host_names.begin(), options.host_names.end());
  addresses.insert(addresses.end(), options.addresses.begin(), options.addresses.end());
  // Created at each start: names and addresses change, and clients trust the authority.
  auto server = security::make_server_certificate(*authority, names, addresses, now_ms);
  RETURN_IF_ERROR(server);
  return write_secret(directory + "/server.pem", server->key + server->certificate + authority->certificate);
}

// The configuration files of clients, and the lines for the user to paste.
struct ClientFile {
  const char* name;  // with the user in place of {}
  std::string (*content)(const std::string& address, bool tls, const std::string& authority, const Bytes& user,
                         const Bytes& password);
};

std::string java_file(const std::string& address, bool tls, const std::string& authority, const Bytes& user,
                      const Bytes& password) {
  std::string text = fmt::format(
      "bootstrap.servers={}\nsecurity.protocol={}\nsasl.mechanism=SCRAM-SHA-512\n"
      "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"{}\" "
      "password=\"{}\";\n",
      address, tls ? "SASL_SSL" : "SASL_PLAINTEXT", user, password);
  if (tls) text += fmt::format("ssl.truststore.type=PEM\nssl.truststore.location={}\n", authority);
  return text;
}

// librdkafka before 2.6.1 cannot use SCRAM with current versions of Kafka, nor with Milena.
std::string rdkafka_file(const std::string& address, bool tls, const std::string& authority, const Bytes& user,
                         const Bytes& password) {
  std::string text = fmt::format(
      "bootstrap.servers={}\nsecurity.protocol={}\nsasl.mechanism=PLAIN\nsasl.username={}\nsasl.password={}\n", address,
      tls ? "SASL_SSL" : "SASL_PLAINTEXT", user, password);
  if (tls) text += fmt::format("ssl.ca.location={}\n", authority);
  return text;
}

std::string python_file(const std::string& address, bool tls, const std::string& authority, const Bytes& user,
                        const Bytes& password) {
  return fmt::format(
      "# kafka-python: KafkaProducer(**CONFIG)\nCONFIG = {{\n    \"bootstrap_servers\": \"{}\",\n"
      "    \"security_protocol\": \"{}\",\n    \"sasl_mechanism\": \"SCRAM-SHA-512\",\n"
      "    \"sasl_plain_username\": \"{}\",\n    \"sasl_plain_password\": \"{}\",\n{}}}\n",
      address, tls ? "SASL_SSL" : "SASL_PLAINTEXT", user, password,
      tls ? fmt::format("    \"ssl_cafile\": \"{}\",\n", authority) : "");
}

std::string node_file(const std::string& address, bool tls, const std::string& authority, const Bytes& user,
                      const Bytes& password) {
  return fmt::format(
      "// kafkajs: new Kafka(require('./this-file'))\nmodule.exports = {{\n  brokers: ['{}'],\n"
      "  sasl: {{ mechanism: 'scram-sha-512', username: '{}', password: '{}' }},\n{}}};\n",
      address, user, password,
      tls ? fmt::format("  ssl: {{ ca: [require('fs').readFileSync('{}')] }},\n", authority) : "");
}

std::string go_file(const std::string& address, bool tls, const std::string& authority, const Bytes& user,
                    const Bytes& password) {
  return fmt::format(
      "// franz-go\nclient, err := kgo.NewClient(\n\tkgo.SeedBrokers(\"{}\"),\n"
      "\tkgo.SASL(scram.Auth{{User: \"{}\", Pass: \"{}\"}}.AsSha512Mechanism()),\n{})\n",
      address, user, password,
      tls ? fmt::format("\tkgo.DialTLSConfig(config), // RootCAs: what is in {}\n", authority) : "");
}

constexpr ClientFile kClientFiles[] = {{"{}.properties", java_file}, {"{}.librdkafka.conf", rdkafka_file},
                                       {"{}.py", python_file},       {"{}.js", node_file},
                                       {"{}.go.txt", go_file}};

Status write_client_files(const std::string& directory, const std::string& address, bool tls,
                          const std::map<Bytes, Bytes>& passwords) {
  for (ByteView user : kUsers) {
    for (const ClientFile& file : kClientFiles) {
      const std::string path = directory + "/" + fmt::format(fmt::runtime(file.name), user);
      RETURN_IF_ERROR(write_secret(
          path, file.content(address, tls, directory + "/ca.pem", Bytes(user), passwords.at(Bytes(user)))));
    }
  }
  return ok_status();
}

// The first configured listener, or a default one. Other listeners are left to the user.
Result<config::ListenerEndpoint> listener_of(const config::Settings& settings) {
  const std::string text = settings.explicit_text("listeners").value_or(Bytes(kListener) + "://localhost:9092");
  auto all = config::parse_listener_endpoints("listeners", text);
  RETURN_IF_ERROR(all);
  if (all->empty() || all->front().listener_name == "PLAINTEXT") {
    return make_error(ErrorKind::kInvalid,
                      "--dev-security with listeners={}: expected no listeners, or a first listener with "
                      "authentication, as in {}://{}",
                      text, kListener, "localhost:9092");
  }
  return all->front();
}

// The options decide for the default listener, the protocol for a configured one.
bool speaks_tls(const config::Settings& settings, const config::ListenerEndpoint& listener,
                const DevSecurityOptions& options) {
  if (listener.listener_name == kListener) return options.tls;
  const auto all = config::broker_listeners(settings);
  return all.ok() && !all->empty() && all->front().protocol.ends_with("SSL");
}

void add_override(const config::Settings& settings, const std::string& key, const std::string& value,
                  DevSecurity& made) {
  if (!settings.explicit_text(key)) made.overrides.push_back(key + "=" + value);
}

}  // namespace

Result<DevSecurity> prepare_dev_security(FileSystem& files, const config::Settings& settings,
                                         const DevSecurityOptions& options, const Clock& clock, Random& random) {
  DevSecurity made;
  made.directory = first_log_directory(settings) + "-security";
  RETURN_IF_ERROR(files.make_directories(made.directory));
  ::chmod(made.directory.c_str(), 0700);
  auto passwords = passwords_of(files, made.directory + "/passwords.properties", random);
  RETURN_IF_ERROR(passwords);
  auto listener = listener_of(settings);
  RETURN_IF_ERROR(listener);
  const bool tls = speaks_tls(settings, *listener, options);
  if (tls) RETURN_IF_ERROR(make_certificates(files, made.directory, options, clock.wall_ms()));
  const std::string protocol = tls ? "SASL_SSL" : "SASL_PLAINTEXT";
  const std::string host = listener->host.empty() ? "localhost" : listener->host;
  const std::string address = fmt::format("{}:{}", host, listener->port);
  const Bytes prefix = config::listener_prefix(listener->listener_name);
  add_override(settings, "listeners", fmt::format("{}://{}", listener->listener_name, address), made);
  if (listener->listener_name == kListener) {
    add_override(settings, "listener.security.protocol.map", Bytes(kListener) + ":" + protocol, made);
  }
  add_override(settings, prefix + "sasl.enabled.mechanisms", "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN", made);
  // As the admin this node logs in to others: they are of the same user.
  std::string jaas = fmt::format("org.apache.kafka.common.security.plain.PlainLoginModule required username=\"{}\" "
                                 "password=\"{}\"", kAdmin, passwords->at(Bytes(kAdmin)));
  for (ByteView user : kUsers) {
    const Bytes& password = passwords->at(Bytes(user));
    jaas += fmt::format(" user_{}=\"{}\"", user, password);
    made.passwords.emplace(user, password);
  }
  add_override(settings, prefix + "plain.sasl.jaas.config", jaas + ";", made);
  add_override(settings, "sasl.mechanism.inter.broker.protocol", "PLAIN", made);
  if (tls) {
    add_override(settings, prefix + "ssl.keystore.type", "PEM", made);
    add_override(settings, prefix + "ssl.keystore.location", made.directory + "/server.pem", made);
    add_override(settings, prefix + "ssl.truststore.type", "PEM", made);
    add_override(settings, prefix + "ssl.truststore.location", made.directory + "/ca.pem", made);
  }
  add_override(settings, "authorizer.class.name", std::string(config::kStandardAuthorizer), made);
  // The authorizer's own setting, which is in no table of the broker.
  if (!settings.others().contains(Bytes(config::kSuperUsers))) {
    made.overrides.push_back(fmt::format("{}=User:{}", config::kSuperUsers, kAdmin));
  }
  RETURN_IF_ERROR(write_client_files(made.directory, address, tls, *passwords));
  made.advice = {
      fmt::format("The passwords of the users admin and reader, and files for clients, are in {}. Examples:",
                  made.directory),
      fmt::format("  kafka-topics.sh --bootstrap-server {} --command-config {}/admin.properties --list", address,
                  made.directory),
      fmt::format("  kcat -F {}/admin.librdkafka.conf -L", made.directory)};
  return made;
}

}  // namespace milena::broker
