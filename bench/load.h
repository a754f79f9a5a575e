// The load generator: one process, one measurement, one line of JSON on standard output.
//
// A command exits with 0 only if its measurement is complete (every record acknowledged, every record read, in order):
// a broken measurement must never look like a fast one.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace milena::bench {

// `--name value` pairs, and the words behind a `--`.
class Options {
 public:
  Options(int count, char** words);

  const std::string& text(const std::string& name) const;
  std::string text_or(const std::string& name, const std::string& fallback) const;
  int64_t number(const std::string& name) const;
  double decimal(const std::string& name) const;
  bool has(const std::string& name) const { return values_.contains(name); }

  // The command behind `--`, for exec; the last element is null.
  std::vector<char*> command() const;

 private:
  std::map<std::string, std::string> values_;
  std::vector<std::string> command_;
};

// Seconds on the monotonic clock.
double now_s();

// Prints why the measurement is broken, and ends the program.
[[noreturn]] void give_up(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Properties for librdkafka: those of `--set KEY=VALUE,KEY=VALUE`, over the client's defaults.
rd_kafka_conf_t* make_conf(const Options& options);
void set(rd_kafka_conf_t* conf, const char* key, const std::string& value);

int produce(const Options& options);
int first_produce(const Options& options);
int transactions(const Options& options);
int commits(const Options& options);
int consume(const Options& options);
int start_probe(const Options& options);
int touch_memory(const Options& options);
int touch_file(const Options& options);

}  // namespace milena::bench
