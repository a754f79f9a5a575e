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
  // The new file is the old one without these. Empty: there is no new one, and the broker makes it when it starts.
  std::vector<Stretch> without;
  std::string says;  // for a person, what is done
};

struct Finding {
  // A note is about what the next start puts right by itself, or what somebody should know.
  enum class Kind { kNote, kProblem };
  Kind kind = Kind::kProblem;
  std::string where;  // a file's name, or empty
  std::string what;
  std::optional<Mend> mend;
  // Mended by the next start, if it reads the whole log.
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
  std::string identity;  // cluster and node, for a person
  bool clean_shutdown = false;
  std::vector<Finding> findings;  // of its own files
  std::vector<PartitionFindings> partitions;
};

}  // namespace milena::log
