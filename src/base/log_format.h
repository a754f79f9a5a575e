// How lines of the log look.
#pragma once

namespace milena {

enum class LogFormatOfLines {
  kText,  // as Kafka's log4j pattern writes them
  kJson,  // {"time":"2026-11-29T22:14:40.123Z","level":"INFO","message":"..."}
};
// At any time, from any thread.
void set_format_of_log_lines(LogFormatOfLines format);

}  // namespace milena
