// milena perf: how fast records go in and out.
#include <fmt/format.h>

#include <algorithm>

#include "tools/output.h"
#include "tools/own/own.h"
#include "tools/perf_run.h"

namespace milena::tools {

int run_perf(ToolWords words) {
  OwnCommand command("perf", "Measures producing and consuming over one connection.",
                     "produce TOPIC [-n N] [-s BYTES] [options]\nconsume TOPIC [-n N] [options]");
  std::string verb, topic, transactional_id, codec = "none";
  std::optional<int64_t> transaction_ms;
  int64_t records = 100'000, bytes = 1000, batch = 256 << 10, rate = -1;
  command.options.word("verb", verb, "produce or consume.");
  command.options.word("topic", topic, "Where.");
  command.options.number("-n,--count", records, "n", "Number of records.");
  command.options.number("-s,--size", bytes, "bytes", "Size of each record.");
  command.options.number("--batch", batch, "bytes", "Bytes that are sent at once.");
  command.options.number("--rate", rate, "n", "Most records a second.");
  command.options.text("-z,--compress", codec, "codec", "none, gzip, snappy, lz4 or zstd.");
  command.options.text("--transactional-id", transactional_id, "id", "Writes in transactions of this id.");
  command.options.number("--transaction-duration-ms", transaction_ms, "ms",
                         "How long a transaction lasts; 3000 without it.");
  command.add_common();
  command.options.example("milena perf produce speed -n 1000000 -s 100");
  command.options.example("milena perf produce t --transactional-id x --transaction-duration-ms 100");
  stop_on_signals();
  auto work = [&](Cluster& cluster) -> Status {
    Table table({"RECORDS", "SECONDS", "RECORDS/S", "MB/S", "P50 MS", "P99 MS", "MAX MS"});
    auto row = [&](int64_t count, double seconds, int64_t size, const std::vector<std::string>& rest) {
      std::vector<std::string> cells = {std::to_string(count), fmt::format("{:.3f}", seconds),
                                        fmt::format("{:.0f}", static_cast<double>(count) / seconds),
                                        fmt::format("{:.1f}", static_cast<double>(size) / 1e6 / seconds)};
      cells.insert(cells.end(), rest.begin(), rest.end());
      table.row(cells);
    };
    if (verb == "produce") {
      ProduceRun run;
      run.topic = topic;
      run.records = records;
      run.record_bytes = bytes;
      run.throughput = static_cast<double>(rate);
      run.shows_progress = true;
      run.sending.codec = *codec_from_name(codec);
      run.sending.transactional_id = transactional_id;
      run.transaction_ms = transaction_ms.value_or(kUsualTransaction_ms);
      run.sending.batch_bytes = static_cast<size_t>(std::clamp<int64_t>(batch, 1, 16 << 20));
      RETURN_IF_ERROR(run.run(cluster));
      row(run.all.count(), run.all.seconds(), run.all.bytes(),
          {fmt::format("{:.2f}", run.all.percentile_ms(0.5)), fmt::format("{:.2f}", run.all.percentile_ms(0.99)),
           fmt::format("{:.2f}", run.all.most_ms())});
    } else {
      ConsumeRun run;
      run.topics = {topic};
      run.records = records;
      run.patience_ms = 2000;
      run.shows_progress = true;
      RETURN_IF_ERROR(run.run(cluster));
      row(run.read, run.seconds, run.bytes, {"-", "-", "-"});
    }
    table.print(command.json);
    return ok_status();
  };
  auto check = [&]() -> Status {
    if ((verb != "produce" && verb != "consume") || topic.empty())
      return usage_error("expected produce or consume, and a topic");
    if (transaction_ms && *transaction_ms < 1) return usage_error("--transaction-duration-ms: expected at least 1");
    if (transaction_ms && transactional_id.empty()) {
      return usage_error("--transaction-duration-ms: expected --transactional-id, too");
    }
    if (records < 1 || bytes < 0 || bytes > (1 << 20))
      return usage_error("expected at least one record, of at most a megabyte");
    if (!codec_from_name(codec)) return usage_error("--compress {}: expected none, gzip, snappy, lz4 or zstd", codec);
    return ok_status();
  };
  return command.run(words, work, check);
}

}  // namespace milena::tools
