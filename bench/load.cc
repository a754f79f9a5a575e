#include "load.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace milena::bench {
namespace {

constexpr char kHelp[] = R"(Usage: milena_bench_load COMMAND OPTIONS

  produce        --broker HOST:PORT --topic T --records N --size BYTES   every record acknowledged
  first-produce  --broker HOST:PORT --topic T                            one record, from nothing to its delivery report
  transactions   --broker HOST:PORT --topic T --records N --size BYTES --every MS
                                                                         the same in transactions of so many milliseconds
  commits        --broker HOST:PORT --topic T --count N --rate PER_S     so many transactions of one record
  consume        --broker HOST:PORT --topic T --records N                partition 0 from its beginning
  start-probe    --port P --log FILE --deadline SECONDS -- COMMAND...    exec to first ApiVersions answer; the program stays up
  touch-memory   --gb GB                                                 writes to so much memory and frees it; ends with its input
  touch-file     --gb GB --file NEW                                      the same for the page cache; the file does not stay

The commands that produce or consume take --set KEY=VALUE,KEY=VALUE for librdkafka.
)";

struct Command {
  const char* name;
  int (*run)(const Options&);
};

constexpr Command kCommands[] = {
    {"produce", produce},         {"first-produce", first_produce}, {"transactions", transactions},
    {"commits", commits},         {"consume", consume},             {"start-probe", start_probe},
    {"touch-memory", touch_memory}, {"touch-file", touch_file},
};

}  // namespace

Options::Options(int count, char** words) {
  for (int i = 0; i < count; i++) {
    std::string word = words[i];
    if (word == "--") {
      command_.assign(words + i + 1, words + count);
      return;
    }
    if (!word.starts_with("--") || i + 1 == count) give_up("%s: expected --name value", words[i]);
    values_[word.substr(2)] = words[++i];
  }
}

const std::string& Options::text(const std::string& name) const {
  auto found = values_.find(name);
  if (found == values_.end()) give_up("--%s is missing", name.c_str());
  return found->second;
}

std::string Options::text_or(const std::string& name, const std::string& fallback) const {
  return has(name) ? text(name) : fallback;
}

int64_t Options::number(const std::string& name) const {
  char* end = nullptr;
  int64_t value = std::strtoll(text(name).c_str(), &end, 10);
  if (*end != 0 || value <= 0)
    give_up("--%s: expected a number above zero, not %s", name.c_str(), text(name).c_str());
  return value;
}

double Options::decimal(const std::string& name) const {
  char* end = nullptr;
  double value = std::strtod(text(name).c_str(), &end);
  if (*end != 0 || !(value > 0))
    give_up("--%s: expected a number above zero, not %s", name.c_str(), text(name).c_str());
  return value;
}

std::vector<char*> Options::command() const {
  if (command_.empty()) give_up("expected a command behind --");
  std::vector<char*> words;
  for (const std::string& word : command_) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  return words;
}

double now_s() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void give_up(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::fputs("milena_bench_load: ", stderr);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
  va_end(arguments);
  std::exit(1);
}

void set(rd_kafka_conf_t* conf, const char* key, const std::string& value) {
  char error[256];
  if (rd_kafka_conf_set(conf, key, value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK)
    give_up("%s: %s", key, error);
}

rd_kafka_conf_t* make_conf(const Options& options) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", options.text("broker"));
  set(conf, "broker.address.family", "v4");
  std::string rest = options.text_or("set", "");
  while (!rest.empty()) {
    size_t comma = std::min(rest.find(','), rest.size());
    std::string pair = rest.substr(0, comma);
    rest.erase(0, comma + 1);
    size_t equals = pair.find('=');
    if (equals == std::string::npos) give_up("--set: expected KEY=VALUE, not %s", pair.c_str());
    set(conf, pair.substr(0, equals).c_str(), pair.substr(equals + 1));
  }
  return conf;
}

// The host of a virtual machine takes back free memory, in blocks of 2 MB and within seconds (free page reporting); the
// first write to it afterwards waits for the host, and a log is written to blocks of that kind. So we allocate such
// blocks (huge pages: single ones would come from fragments that we have anyway), write to them, and free all but the
// first page of each. An incomplete block is not taken back, and the kernel allocates from it first. The kept pages,
// 1/512 of the memory, are freed when standard input ends.
int touch_memory(const Options& options) {
  constexpr size_t kBlock = 2 * 1024 * 1024;
  double begin = now_s();
  size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  size_t blocks = static_cast<size_t>(options.decimal("gb") * 1e9) / kBlock + 1;
  void* mapped = ::mmap(nullptr, (blocks + 1) * kBlock, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) give_up("cannot map %zu blocks: %s", blocks, std::strerror(errno));
  char* memory =
      reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(mapped) + kBlock - 1) / kBlock * kBlock);
  ::madvise(memory, blocks * kBlock, MADV_HUGEPAGE);
  for (size_t at = 0; at < blocks * kBlock; at += page) static_cast<volatile char*>(memory)[at] = 1;
  for (size_t i = 0; i < blocks; i++) {
    // A huge page that is freed in part stays whole in the kernel's books; marking a part as free splits it
    // first.
    char* rest = memory + i * kBlock + page;
    ::madvise(rest, kBlock - page, MADV_FREE);
    ::madvise(rest, kBlock - page, MADV_DONTNEED);
  }
  std::printf("{\"bytes\": %zu, \"seconds\": %.6f}\n", blocks * kBlock, now_s() - begin);
  std::fflush(stdout);
  char ignored;
  while (::read(STDIN_FILENO, &ignored, 1) > 0) {
  }
  return 0;
}

// Fragments of blocks that were never written to still cause waits. Writing a file as a broker writes its log, and
// truncating it before the disk gets it, avoids those: the kernel hands out the same pages again.
int touch_file(const Options& options) {
  constexpr size_t kChunk = 1'000'000;
  double begin = now_s();
  const std::string& path = options.text("file");
  std::string chunk(kChunk, 'm');
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) give_up("%s: %s", path.c_str(), std::strerror(errno));
  int64_t bytes = 0;
  for (; bytes < static_cast<int64_t>(options.decimal("gb") * 1e9); bytes += kChunk) {
    if (::write(file, chunk.data(), chunk.size()) != static_cast<ssize_t>(kChunk)) {
      give_up("%s: %s", path.c_str(), std::strerror(errno));
    }
  }
  ::unlink(path.c_str());
  ::close(file);
  std::printf("{\"bytes\": %ld, \"seconds\": %.6f}\n", bytes, now_s() - begin);
  return 0;
}

}  // namespace milena::bench

int main(int count, char** words) {
  using namespace milena::bench;
  for (const Command& command : kCommands) {
    if (count >= 2 && std::strcmp(words[1], command.name) == 0)
      return command.run(Options(count - 2, words + 2));
  }
  std::fputs(kHelp, stderr);
  return 2;
}
