// milena tap: follows the requests of one client, over HTTP.
#include <fmt/format.h>

#include <cstdio>

#include "tools/own/http_client.h"
#include "tools/own/own.h"

namespace milena::tools {

int run_tap(ToolWords words) {
  Options options(Options::Style::kOwn, "milena tap",
                  "Prints the requests of one client as they are answered: time, address, name and version, sizes, "
                  "duration, errors. Never their contents. It asks the broker over HTTP. Ctrl-C ends it.",
                  "--client-id ID [options]");
  std::string client_id, servers, http, config_file;
  std::optional<int64_t> count;
  bool json = false;
  options.text("--client-id", client_id, "ID", "The client.id of the client.");
  options.number("-n,--count", count, "N", "Ends after this number of requests.");
  options.flag("--json", json, "Prints JSON, an object a line.");
  options.text("-b,--bootstrap-server", servers, "HOST:PORT", "The broker; it is asked where it serves HTTP.");
  options.text("--http", http, "HOST:PORT",
               "The broker's HTTP address (milena.http.listeners); https://HOST:PORT with TLS.");
  options.text("--command-config", config_file, "FILE", kHttpConfigHelp);
  options.example("milena tap --client-id billing");
  options.example("milena tap --client-id billing --count 10 --json");
  if (auto code = options.parse(words)) return *code;
  if (client_id.empty()) return options.mistake("--client-id is missing");
  if (count && *count < 1) return options.mistake("--count: expected at least 1");
  auto client = HttpClient::from_file(config_file);
  if (!client.ok()) return complain(client.error().message);
  auto address = client->server(http, servers);
  if (!address.ok()) return options.mistake(address.error().message);
  stop_on_signals();
  std::string target = "/tap?client-id=" + percent_encoded(client_id);
  if (count) target += fmt::format("&count={}", *count);
  if (json) target += "&format=json";
  bool written = true;
  Status followed = client->follow(*address, target, [&written](ByteView part) {
    written = std::fwrite(part.data(), 1, part.size(), stdout) == part.size() && std::fflush(stdout) == 0;
    return written;
  });
  if (!written) return complain("standard output cannot be written to");
  return exit_code(options, followed);
}

}  // namespace milena::tools
