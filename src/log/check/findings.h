// The findings of `milena check` in a data directory, and the repair of each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace milena::log {

// Bytes [from, to) of a file.
struct Stretch {
  uint64_t from = 0;
  uint64_t to = 0;
  bool operator==(const Stretch&) const = default;
};

// Replaces a file. The old one stays beside it, under another name.
struct Mend {
  std::string path;
  // The new file is the old one without these. Empty: there is no new file, and the broker creates it at its start.
  std::vector<Stretch> without;
  std::string says;  // for people
};

struct Finding {
  // A note is about something that the next start repairs by itself, or that a person should know.
  enum class Kind { kNote, kProblem };
  Kind kind = Kind::kProblem;
  std::string where;  // a file name, or empty
  std::string what;
  std::optional<Mend> mend;
  // Repaired by the next start, if it reads the whole log.
  bool wants_recovery = false;
};

struct PartitionFindings {
  std::string name;  // the directory's
  uint64_t segments = 0;
  uint64_t bytes = 0;
  int64_t first_offset = 0;
  int64_t end_offset = 0;
  std::vector<Finding> findings;
};

struct DirectoryFindings {
  std::string path;
  std::string identity;  // cluster and node, for people
  bool clean_shutdown = false;
  std::vector<Finding> findings;  // of its own files
  std::vector<PartitionFindings> partitions;
};

}  // namespace milena::log
