// Producer and Consumer: wrappers of librdkafka for tests. Each belongs to one test and is used by its thread; waits
// end as soon as possible, and fail the test after a generous time.
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace milena::e2e {

using Config = std::map<std::string, std::string>;

struct Record {
  std::string topic;
  int32_t partition = RD_KAFKA_PARTITION_UA;
  int64_t offset = -1;
  std::optional<std::string> key;
  std::optional<std::string> value;
  int64_t timestamp_ms = 0;  // 0: now
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  bool operator==(const Record&) const = default;
};

// Calls `step` until it returns true; false after a timeout.
bool wait_until(const std::function<bool()>& step);
rd_kafka_conf_t* make_config(const std::string& address, const Config& config);

class Producer {
 public:
  explicit Producer(const std::string& address, Config config = {});
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  void send(const Record& record);
  // Serves delivery reports; does not wait for them.
  void poll() { rd_kafka_poll(client_, 0); }
  // Waits until everything sent is reported.
  void flush();
  // Acknowledged records with partition and offset, in the order of their reports.
  const std::vector<Record>& delivered() const { return delivered_; }
  const std::vector<std::string>& errors() const { return errors_; }
  rd_kafka_t* handle() { return client_; }

 private:
  static void on_report(rd_kafka_t*, const rd_kafka_message_t* message, void* self);

  rd_kafka_t* client_;
  std::vector<Record> delivered_;
  std::vector<std::string> errors_;
};

class Consumer {
 public:
  // Without a group if the configuration has none: then use assign().
  explicit Consumer(const std::string& address, Config config = {});
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  void subscribe(const std::vector<std::string>& topics);
  // Reads these partitions from `offset` (RD_KAFKA_OFFSET_BEGINNING and such are fine).
  void assign(const std::string& topic, const std::vector<int32_t>& partitions, int64_t offset);
  // Reads exactly that many more records.
  std::vector<Record> read(size_t count);
  // Reads one record if there is one within the time.
  std::optional<Record> read_one(int timeout_ms);
  // Its assigned partitions, sorted; serves the group meanwhile.
  std::vector<int32_t> assigned();
  // Commits everything read so far, synchronously.
  void commit();
  void commit(const std::string& topic, int32_t partition, int64_t offset);
  int64_t committed(const std::string& topic, int32_t partition);
  void seek(const std::string& topic, int32_t partition, int64_t offset);
  int64_t offset_for_time(const std::string& topic, int32_t partition, int64_t timestamp_ms);
  // First and end offset.
  std::pair<int64_t, int64_t> watermarks(const std::string& topic, int32_t partition);
  // Leaves the group.
  void close();
  rd_kafka_t* handle() { return client_; }

 private:
  rd_kafka_t* client_;
};

}  // namespace milena::e2e
