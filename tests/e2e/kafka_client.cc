#include "e2e/kafka_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>

namespace milena::e2e {
namespace {

constexpr int kPatience_ms = 30'000;

struct ListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
};
using List = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDeleter>;

List list_of(const std::string& topic, int32_t partition, int64_t offset) {
  List list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
  return list;
}

std::optional<std::string> text_of(const void* bytes, size_t size) {
  if (bytes == nullptr) return std::nullopt;
  return std::string(static_cast<const char*>(bytes), size);
}

Record record_of(const rd_kafka_message_t& message) {
  Record record;
  record.topic = rd_kafka_topic_name(message.rkt);
  record.partition = message.partition;
  record.offset = message.offset;
  record.key = text_of(message.key, message.key_len);
  record.value = text_of(message.payload, message.len);
  rd_kafka_timestamp_type_t type;
  record.timestamp_ms = rd_kafka_message_timestamp(&message, &type);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name;
    const void* value;
    size_t size;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
      record.headers.emplace_back(name, text_of(value, size));
    }
  }
  return record;
}

rd_kafka_t* make_client(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char error[512];
  rd_kafka_t* client = rd_kafka_new(type, conf, error, sizeof error);
  if (client == nullptr) {
    ADD_FAILURE() << error;
    std::abort();
  }
  return client;
}

}  // namespace

bool wait_until(const std::function<bool()>& step) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatience_ms);
  while (!step()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
  }
  return true;
}

rd_kafka_conf_t* make_config(const std::string& address, const Config& config) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  auto set = [conf](const std::string& key, const std::string& value) {
    char error[512];
    EXPECT_EQ(rd_kafka_conf_set(conf, key.c_str(), value.c_str(), error, sizeof error), RD_KAFKA_CONF_OK) << error;
  };
  set("bootstrap.servers", address);
  // A broker that is killed is found again at once.
  set("reconnect.backoff.ms", "20");
  set("reconnect.backoff.max.ms", "100");
  set("log_level", "2");
  for (const auto& [key, value] : config) set(key, value);
  return conf;
}

Producer::Producer(const std::string& address, Config config) {
  config.try_emplace("linger.ms", "1");
  rd_kafka_conf_t* conf = make_config(address, config);
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_dr_msg_cb(conf, &Producer::on_report);
  client_ = make_client(RD_KAFKA_PRODUCER, conf);
}

Producer::~Producer() { rd_kafka_destroy(client_); }

void Producer::on_report(rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
  auto& producer = *static_cast<Producer*>(self);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    producer.delivered_.push_back(record_of(*message));
  } else {
    producer.errors_.push_back(rd_kafka_err2str(message->err));
  }
}

void Producer::send(const Record& record) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
  for (const auto& [name, value] : record.headers) {
    rd_kafka_header_add(headers, name.c_str(), static_cast<ssize_t>(name.size()), value ? value->data() : nullptr,
                        value ? static_cast<ssize_t>(value->size()) : -1);
  }
  auto data_of = [](const std::optional<std::string>& text) {
    return text ? const_cast<char*>(text->data()) : nullptr;
  };
  rd_kafka_vu_t fields[7] = {};
  fields[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  fields[0].u.cstr = record.topic.c_str();
  fields[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  fields[1].u.i32 = record.partition;
  fields[2].vtype = RD_KAFKA_VTYPE_KEY;
  fields[2].u.mem.ptr = data_of(record.key);
  fields[2].u.mem.size = record.key ? record.key->size() : 0;
  fields[3].vtype = RD_KAFKA_VTYPE_VALUE;
  fields[3].u.mem.ptr = data_of(record.value);
  fields[3].u.mem.size = record.value ? record.value->size() : 0;
  fields[4].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  fields[4].u.i64 = record.timestamp_ms;
  fields[5].vtype = RD_KAFKA_VTYPE_HEADERS;
  fields[5].u.headers = headers;
  fields[6].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  fields[6].u.i = RD_KAFKA_MSG_F_COPY;
  rd_kafka_error_t* error = rd_kafka_produceva(client_, fields, 7);
  if (error == nullptr) return;
  ADD_FAILURE() << rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  rd_kafka_headers_destroy(headers);
}

void Producer::flush() { EXPECT_EQ(rd_kafka_flush(client_, kPatience_ms), RD_KAFKA_RESP_ERR_NO_ERROR); }

Consumer::Consumer(const std::string& address, Config config) {
  config.try_emplace("group.id", "nobody");
  config.try_emplace("enable.auto.commit", "false");
  config.try_emplace("auto.offset.reset", "earliest");
  config.try_emplace("heartbeat.interval.ms", "100");
  config.try_emplace("session.timeout.ms", "6000");
  config.try_emplace("fetch.wait.max.ms", "100");
  config.try_emplace("enable.partition.eof", "false");
  client_ = make_client(RD_KAFKA_CONSUMER, make_config(address, config));
  rd_kafka_poll_set_consumer(client_);
}

Consumer::~Consumer() {
  close();
}

void Consumer::close() {
  if (client_ == nullptr) return;
  rd_kafka_consumer_close(client_);
  rd_kafka_destroy(client_);
  client_ = nullptr;
}

void Consumer::subscribe(const std::vector<std::string>& topics) {
  List list(rd_kafka_topic_partition_list_new(1));
  for (const std::string& topic : topics) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  EXPECT_EQ(rd_kafka_subscribe(client_, list.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void Consumer::assign(const std::string& topic, const std::vector<int32_t>& partitions, int64_t offset) {
  List list(rd_kafka_topic_partition_list_new(1));
  for (int32_t partition : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
  }
  EXPECT_EQ(rd_kafka_assign(client_, list.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
}

std::optional<Record> Consumer::read_one(int timeout_ms) {
  rd_kafka_message_t* message = rd_kafka_consumer_poll(client_, timeout_ms);
  if (message == nullptr) return std::nullopt;
  std::optional<Record> record;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) record = record_of(*message);
  rd_kafka_message_destroy(message);
  return record;
}

std::vector<Record> Consumer::read(size_t count) {
  std::vector<Record> records;
  wait_until([&] {
    if (auto record = read_one(100)) records.push_back(std::move(*record));
    return records.size() >= count;
  });
  EXPECT_EQ(records.size(), count);
  return records;
}

std::vector<int32_t> Consumer::assigned() {
  rd_kafka_topic_partition_list_t* raw = nullptr;
  EXPECT_EQ(rd_kafka_assignment(client_, &raw), RD_KAFKA_RESP_ERR_NO_ERROR);
  List list(raw);
  std::vector<int32_t> partitions;
  for (int i = 0; i < list->cnt; i++) partitions.push_back(list->elems[i].partition);
  std::sort(partitions.begin(), partitions.end());
  return partitions;
}

void Consumer::commit() { EXPECT_EQ(rd_kafka_commit(client_, nullptr, 0), RD_KAFKA_RESP_ERR_NO_ERROR); }

void Consumer::commit(const std::string& topic, int32_t partition, int64_t offset) {
  List list = list_of(topic, partition, offset);
  EXPECT_EQ(rd_kafka_commit(client_, list.get(), 0), RD_KAFKA_RESP_ERR_NO_ERROR);
}

int64_t Consumer::committed(const std::string& topic, int32_t partition) {
  List list = list_of(topic, partition, RD_KAFKA_OFFSET_INVALID);
  EXPECT_EQ(rd_kafka_committed(client_, list.get(), kPatience_ms), RD_KAFKA_RESP_ERR_NO_ERROR);
  return list->elems[0].offset;
}

void Consumer::seek(const std::string& topic, int32_t partition, int64_t offset) {
  List list = list_of(topic, partition, offset);
  rd_kafka_error_t* error = rd_kafka_seek_partitions(client_, list.get(), kPatience_ms);
  EXPECT_EQ(error, nullptr) << rd_kafka_error_string(error);
  if (error != nullptr) rd_kafka_error_destroy(error);
}

int64_t Consumer::offset_for_time(const std::string& topic, int32_t partition, int64_t timestamp_ms) {
  List list = list_of(topic, partition, timestamp_ms);
  EXPECT_EQ(rd_kafka_offsets_for_times(client_, list.get(), kPatience_ms), RD_KAFKA_RESP_ERR_NO_ERROR);
  EXPECT_EQ(list->elems[0].err, RD_KAFKA_RESP_ERR_NO_ERROR);
  return list->elems[0].offset;
}

std::pair<int64_t, int64_t> Consumer::watermarks(const std::string& topic, int32_t partition) {
  int64_t low = -1, high = -1;
  EXPECT_EQ(rd_kafka_query_watermark_offsets(client_, topic.c_str(), partition, &low, &high, kPatience_ms),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  return {low, high};
}

}  // namespace milena::e2e
