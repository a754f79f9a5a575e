#include "net/write_queue.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace milena::net {
namespace {

// A stream that accepts a set number of bytes, and keeps them.
class FakeStream final : public Stream {
 public:
  IoResult read(std::span<iovec>) override { return {IoResult::kWantsRead}; }
  IoResult write(std::span<const iovec> parts, bool more) override {
    writes++;
    last_more = more;
    if (failure != 0) return {IoResult::kFailed, 0, failure};
    if (room == 0) return {IoResult::kWantsWrite};
    size_t count = 0;
    for (const iovec& part : parts) {
      size_t size = std::min({part.iov_len, room, most_at_once - count});
      taken.append(static_cast<const char*>(part.iov_base), size);
      room -= size;
      count += size;
      if (size < part.iov_len) break;
    }
    return {IoResult::kMoved, count};
  }
  IoResult send_file(int descriptor, uint64_t position, uint64_t size) override {
    if (!sends_files) return {IoResult::kFailed, 0, EINVAL};
    if (file_failure != 0) return {IoResult::kFailed, 0, file_failure};
    if (room == 0) return {IoResult::kWantsWrite};
    Bytes part(std::min({size, static_cast<uint64_t>(room), static_cast<uint64_t>(most_at_once)}), '\0');
    ssize_t count = ::pread(descriptor, part.data(), part.size(), static_cast<off_t>(position));
    if (count <= 0) return {IoResult::kEnd};
    taken.append(part, 0, count);
    room -= count;
    return {IoResult::kMoved, static_cast<size_t>(count)};
  }
  void set_cork(bool on) override {
    corked = on;
    corks += on ? 1 : 0;
  }
  void wait_readable(std::shared_ptr<StreamWatcher>) override {}
  void wait_writable(std::shared_ptr<StreamWatcher>) override {}
  void close() override {}

  Bytes taken;
  size_t room = SIZE_MAX;
  size_t most_at_once = SIZE_MAX;
  bool sends_files = true;
  int failure = 0;
  int file_failure = 0;
  int writes = 0;
  int corks = 0;
  bool corked = false;
  bool last_more = false;
};

class WriteQueueTest : public testing::Test {
 protected:
  WriteQueueTest() : path_(testing::TempDir() + fmt::format("milena_write_queue_{}", ::getpid())) {
    for (int i = 0; content_.size() < 700'000; i++) content_ += std::to_string(i) + ",";
    file_ = posix_file_system().open(path_, OpenMode::kReadOrCreate).take();
    EXPECT_TRUE(file_->write_at(0, content_).ok());
  }
  ~WriteQueueTest() override { (void)posix_file_system().remove(path_); }

  // Small and large memory, shared memory, two slices; and their bytes.
  Payload mixed() {
    Payload payload;
    for (int i = 0; i < 200; i++) payload.append(Bytes("chunk " + std::to_string(i) + ";"));
    payload.append(FileSlice{file_, 10, 600'000});
    auto owner = std::make_shared<Bytes>(100'000, 's');
    payload.append(SharedBytes{owner, *owner});
    payload.append(FileSlice{file_, 1, 1});
    payload.append(Bytes("end"));
    return payload;
  }

  std::string path_;
  Bytes content_;
  std::shared_ptr<File> file_;
};

TEST_F(WriteQueueTest, AFileThatCannotBeSentIsNamedAndAPeerThatIsGoneIsNot) {
  for (int error : {EIO, EPIPE, ECONNRESET}) {
    FakeStream stream;
    stream.file_failure = error;
    WriteQueue queue;
    Payload payload;
    payload.append(FileSlice{file_, 10, 100'000});
    queue.push(std::move(payload));
    EXPECT_EQ(queue.flush(stream, UINT64_MAX), WriteQueue::kFailed);
    EXPECT_EQ(queue.error(), error);
    EXPECT_EQ(queue.failure_text().find(path_) != Bytes::npos, error == EIO) << queue.failure_text();
  }
}

TEST_F(WriteQueueTest, EverythingComesOutInOrderHoweverLittleIsTaken) {
  Bytes expected = mixed().flatten().take();
  for (bool sends_files : {true, false}) {
    for (size_t most : {size_t{1000}, size_t{4099}, size_t{1 << 20}}) {
      FakeStream stream;
      stream.sends_files = sends_files;
      stream.most_at_once = most;
      WriteQueue queue;
      queue.push(mixed());
      queue.push(mixed());
      EXPECT_EQ(queue.unsent_bytes(), 2 * expected.size());
      int rounds = 0;
      while (!queue.empty()) {
        ASSERT_LT(rounds++, 10000);
        stream.room = 33'333;
        WriteQueue::Outcome outcome = queue.flush(stream, UINT64_MAX);
        ASSERT_TRUE(outcome == WriteQueue::kBlocked || outcome == WriteQueue::kEmpty);
        ASSERT_EQ(outcome == WriteQueue::kEmpty, queue.empty());
        ASSERT_EQ(queue.unsent_bytes() + stream.taken.size(), 2 * expected.size());
      }
      EXPECT_TRUE(stream.taken == expected + expected) << sends_files << " " << most;
      EXPECT_EQ(queue.written_bytes(), 2 * expected.size());
    }
  }
}

TEST_F(WriteQueueTest, SmallAnswersGoOutTogether) {
  FakeStream stream;
  WriteQueue queue;
  for (int i = 0; i < 30; i++) queue.push(Payload(Bytes("answer")));
  EXPECT_EQ(queue.flush(stream, UINT64_MAX), WriteQueue::kEmpty);
  EXPECT_EQ(stream.writes, 1);
  EXPECT_FALSE(stream.last_more);
  EXPECT_EQ(stream.corks, 0);
  EXPECT_EQ(stream.taken.size(), 180u);
}

TEST_F(WriteQueueTest, ASmallSliceGoesOutWithWhatIsAroundIt) {
  FakeStream stream;
  WriteQueue queue;
  Payload payload;
  payload.append(Bytes("head"));
  payload.append(FileSlice{file_, 10, 3000});
  payload.append(Bytes("tail"));
  queue.push(std::move(payload));
  EXPECT_EQ(queue.flush(stream, UINT64_MAX), WriteQueue::kEmpty);
  EXPECT_EQ(stream.writes, 1) << "a packet for the tail alone would wake the peer again";
  EXPECT_FALSE(stream.last_more);
  EXPECT_EQ(stream.corks, 0);
  EXPECT_EQ(stream.taken, "head" + content_.substr(10, 3000) + "tail");
}

TEST_F(WriteQueueTest, ManySmallSlicesAreNotAllInMemoryAtOnce) {
  FakeStream stream;
  stream.room = 0;
  WriteQueue queue;
  Payload payload;
  constexpr int kSlices = 50;
  constexpr uint64_t kSize = 10'000;
  for (int i = 0; i < kSlices; i++) payload.append(FileSlice{file_, i * kSize, kSize});
  queue.push(std::move(payload));
  const long before = file_.use_count();
  EXPECT_EQ(queue.flush(stream, UINT64_MAX), WriteQueue::kBlocked);
  EXPECT_EQ(before - file_.use_count(), 6) << "slices that are in memory do not hold the file";
  for (int i = 0; i < 10; i++) {
    stream.room = 1;
    EXPECT_EQ(queue.flush(stream, UINT64_MAX), WriteQueue::kBlocked);
  }
  EXPECT_EQ(before - file_.use_count(), 6) << "a peer that takes little does not fill the memory";
  stream.room = SIZE_MAX;
  EXPECT_EQ(queue.flush(stream, UINT64_MAX), WriteQueue::kEmpty);
  EXPECT_EQ(stream.taken, content_.substr(0, kSlices * kSize));
}

TEST_F(WriteQueueTest, AHeadDoesNotGoOutInAPacketOfItsOwn) {
  FakeStream stream;
  WriteQueue queue;
  Payload payload(Bytes("head"));
  payload.append(FileSlice{file_, 0, 100'000});
  queue.push(std::move(payload));
  stream.room = 4;
  EXPECT_EQ(queue.flush(stream, UINT64_MAX), WriteQueue::kBlocked);
  EXPECT_TRUE(stream.last_more);
  EXPECT_EQ(stream.corks, 0) << "one slice needs no cork";
  stream.room = 1000;
  queue.push(mixed());
  EXPECT_EQ(queue.flush(stream, UINT64_MAX), WriteQueue::kBlocked);
  EXPECT_EQ(stream.corks, 1);
  EXPECT_FALSE(stream.corked) << "left corked";
}

TEST_F(WriteQueueTest, ABudgetEndsTheTurn) {
  FakeStream stream;
  stream.most_at_once = 1000;
  WriteQueue queue;
  queue.push(Payload(Bytes(10'000, 'x')));
  EXPECT_EQ(queue.flush(stream, 2500), WriteQueue::kPaused);
  EXPECT_EQ(stream.taken.size(), 3000u);
  EXPECT_EQ(queue.flush(stream, UINT64_MAX), WriteQueue::kEmpty);
}

TEST_F(WriteQueueTest, AFileThatEndsTooSoonIsAFailureThatNamesIt) {
  for (bool sends_files : {true, false}) {
    FakeStream stream;
    stream.sends_files = sends_files;
    WriteQueue queue;
    Payload payload(Bytes("head"));
    payload.append(FileSlice{file_, content_.size() - 10, 20});
    queue.push(std::move(payload));
    EXPECT_EQ(queue.flush(stream, UINT64_MAX), WriteQueue::kFailed);
    EXPECT_NE(queue.failure_text().find(path_), Bytes::npos) << queue.failure_text();
  }
}

TEST_F(WriteQueueTest, AFailedWriteTellsItsError) {
  FakeStream stream;
  stream.failure = ECONNRESET;
  WriteQueue queue;
  queue.push(Payload(Bytes("x")));
  EXPECT_EQ(queue.flush(stream, UINT64_MAX), WriteQueue::kFailed);
  EXPECT_EQ(queue.error(), ECONNRESET);
  EXPECT_TRUE(queue.failure_text().empty());
}

}  // namespace
}  // namespace milena::net
