#include "net/event_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "net/loop_group.h"

namespace milena::net {
namespace {

using testing::ElementsAre;

// Runs the task on the loop and waits for it.
void on_loop(EventLoop& loop, Task task) {
  std::promise<void> done;
  loop.post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

TEST(EventLoop, RunsPostedTasksInOrderOnItsOwnThread) {
  LoopGroup loops(1);
  std::vector<int> order;
  std::thread::id thread;
  for (int i = 0; i < 100; i++) loops.loop(0).post([&, i] { order.push_back(i); });
  on_loop(loops.loop(0), [&] { thread = std::this_thread::get_id(); });
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; i++) EXPECT_EQ(order[i], i);
  EXPECT_NE(thread, std::this_thread::get_id());
}

TEST(EventLoop, LosesNoMessageFromManyThreads) {
  LoopGroup loops(2);
  constexpr int kThreads = 4;
  constexpr int kEach = 20000;
  std::atomic<int> ran = 0;
  std::promise<void> all;
  std::vector<std::thread> senders;
  for (int t = 0; t < kThreads; t++) {
    senders.emplace_back([&] {
      for (int i = 0; i < kEach; i++) {
        loops.loop(0).post([&] {
          if (++ran == kThreads * kEach) all.set_value();
        });
        // Lets the loop sleep from time to time: a wake-up might get lost.
        if (i % 1000 == 0) on_loop(loops.loop(1), [] {});
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  all.get_future().wait();
  EXPECT_EQ(ran, kThreads * kEach);
}

TEST(EventLoop, ATaskThatPostsIsFollowedByWhatItPosted) {
  LoopGroup loops(1);
  EventLoop& loop = loops.loop(0);
  std::promise<int> done;
  int hops = 0;
  Task hop = [&] {
    if (++hops == 1000) return done.set_value(hops);
    loop.post([&] { hop(); });
  };
  loop.post([&] { hop(); });
  EXPECT_EQ(done.get_future().get(), 1000);
}

TEST(EventLoop, TimersRunInTheOrderOfTheirDeadlinesAndNotBefore) {
  LoopGroup loops(1);
  EventLoop& loop = loops.loop(0);
  std::vector<int> order;
  std::promise<void> done;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  loop.post([&] {
    start_ms = loop.clock().steady_ms();
    loop.call_at(start_ms + 30, [&] {
      order.push_back(3);
      end_ms = loop.clock().steady_ms();
      done.set_value();
    });
    loop.call_at(start_ms + 10, [&] { order.push_back(1); });
    loop.call_at(start_ms + 20, [&] { order.push_back(2); });
    TimerId never = loop.call_at(start_ms + 15, [&] { order.push_back(-1); });
    loop.cancel(never);
    loop.cancel(never);
    loop.call_at(start_ms - 5, [&] { order.push_back(0); });
    EXPECT_TRUE(order.empty()) << "a timer ran within call_at";
  });
  done.get_future().wait();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
  EXPECT_GE(end_ms, start_ms + 30);
}

TEST(EventLoop, AnEarlierTimerSetLaterStillRunsFirst) {
  LoopGroup loops(1);
  EventLoop& loop = loops.loop(0);
  std::promise<void> done;
  on_loop(loop, [&] { loop.call_at(loop.clock().steady_ms() + 3'600'000, [] { FAIL(); }); });
  on_loop(loop, [&] { loop.call_at(loop.clock().steady_ms() + 5, [&] { done.set_value(); }); });
  done.get_future().wait();
}

TEST(EventLoop, ManyCancelledTimersLeaveTheOthersInPlace) {
  LoopGroup loops(1);
  EventLoop& loop = loops.loop(0);
  int ran = 0;
  std::promise<void> done;
  loop.post([&] {
    int64_t now_ms = loop.clock().steady_ms();
    for (int i = 0; i < 10000; i++) {
      TimerId id = loop.call_at(now_ms + 1 + i % 10, [&] { ran++; });
      if (i % 100 != 0) loop.cancel(id);
    }
    loop.call_at(now_ms + 20, [&] { done.set_value(); });
  });
  done.get_future().wait();
  EXPECT_EQ(ran, 100);
}

TEST(EventLoop, EndOfTurnComesAfterTheMessagesOfTheTurn) {
  LoopGroup loops(1);
  EventLoop& loop = loops.loop(0);
  std::vector<int> order;
  std::promise<void> done;
  loop.post([&] {
    // Both are in the mailbox before the next turn begins.
    loop.post([&] {
      order.push_back(1);
      loop.at_end_of_turn([&] {
        order.push_back(3);
        loop.at_end_of_turn([&] { order.push_back(4); });
        loop.post([&] {
          order.push_back(5);
          done.set_value();
        });
      });
    });
    loop.post([&] { order.push_back(2); });
  });
  done.get_future().wait();
  EXPECT_THAT(order, ElementsAre(1, 2, 3, 4, 5));
}

TEST(EventLoop, EndOfTurnTasksThatAskForOthersHoldNobodyUp) {
  LoopGroup loops(1);
  EventLoop& loop = loops.loop(0);
  constexpr int kTasks = 100'000;
  int ran = 0;
  int ran_before_message = 0;
  std::promise<void> all;
  Task step = [&] {
    if (++ran == kTasks) return all.set_value();
    loop.at_end_of_turn(step);
  };
  on_loop(loop, [&] {
    loop.at_end_of_turn(step);
    loop.post([&] { ran_before_message = ran; });
  });
  all.get_future().wait();
  EXPECT_LE(ran_before_message, 100);
}

TEST(EventLoop, LongMessagesLeaveRoomForThePostponedAndTheEndOfTheTurn) {
  LoopGroup loops(1);
  EventLoop& loop = loops.loop(0);
  int ran = 0;
  int at_postponed = 0;
  int at_end = 0;
  std::promise<void> last;
  on_loop(loop, [&] {
    for (int i = 0; i < 50; i++) {
      loop.post([&] {
        const int64_t until_ms = loop.clock().steady_ms() + 4;
        while (loop.clock().steady_ms() < until_ms) {}
        if (ran++ == 0) {
          loop.postpone([&] { at_postponed = ran; });
          loop.at_end_of_turn([&] { at_end = ran; });
        }
        if (ran == 50) last.set_value();
      });
    }
  });
  last.get_future().wait();
  EXPECT_LE(at_postponed, 10);
  EXPECT_LE(at_end, 10);
}

TEST(EventLoop, BlockingWorkRunsElsewhereAndComesBack) {
  LoopGroup loops(1);
  EventLoop& loop = loops.loop(0);
  std::promise<void> done;
  std::thread::id loop_thread, work_thread, then_thread;
  loop.post([&] {
    loop_thread = std::this_thread::get_id();
    loop.run_blocking([&] { work_thread = std::this_thread::get_id(); },
                      [&] {
                        then_thread = std::this_thread::get_id();
                        done.set_value();
                      });
  });
  done.get_future().wait();
  EXPECT_NE(work_thread, loop_thread);
  EXPECT_EQ(then_thread, loop_thread);
}

TEST(WorkerPool, StartsThreadsOnDemandWithinItsLimitAndLetsThemEnd) {
  WorkerPool pool(2, /*idle_ms=*/1);
  EXPECT_EQ(pool.thread_count(), 0);
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> running = 0;
  std::promise<void> both;
  for (int i = 0; i < 5; i++) {
    pool.run([&, released] {
      if (++running == 2) both.set_value();
      released.wait();
    });
  }
  both.get_future().wait();
  EXPECT_EQ(pool.thread_count(), 2);
  release.set_value();
  while (pool.thread_count() != 0) std::this_thread::yield();
  EXPECT_EQ(running, 5);
  // And starts again afterwards.
  std::promise<void> again;
  pool.run([&] { again.set_value(); });
  again.get_future().wait();
}

TEST(WorkerPool, FinishesItsWorkBeforeItIsDestroyed) {
  std::atomic<int> ran = 0;
  {
    WorkerPool pool(3, 1000);
    for (int i = 0; i < 100; i++) pool.run([&] { ran++; });
  }
  EXPECT_EQ(ran, 100);
}

// As a library's data of a thread does, this is freed by the thread's last steps, and takes a while.
TEST(WorkerPool, IsGoneWhenItsThreadsHaveFreedTheirData) {
  struct OfThread {
    std::atomic<int>* freed = nullptr;
    ~OfThread() {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      (*freed)++;
    }
  };
  std::atomic<int> freed = 0;
  std::promise<void> begun;
  {
    WorkerPool pool(2, 0);
    const auto touch = [&freed] {
      thread_local OfThread of_thread;
      of_thread.freed = &freed;
    };
    pool.run([&] {
      touch();
      begun.set_value();
    });
    begun.get_future().wait();
    // Another one, after the first has nothing to do any more.
    while (pool.thread_count() != 0) std::this_thread::yield();
    pool.run(touch);
  }
  EXPECT_EQ(freed, 2);
}

}  // namespace
}  // namespace milena::net
