// BrokerProcess: the binary, started on a free port and its own directory; stopped or killed, and started again on
// both. One thread reads its output. Ends with the test that owns it, whatever happens to the test.
#pragma once

#include <condition_variable>
#include <csignal>
#include <initializer_list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace milena::e2e {

// A port without a listener.
int free_port();

struct Outcome {
  int code = -1;
  std::string output;  // both outputs
};

// Runs the shell's line to its end.
Outcome run_line(const std::string& line);
// The binary with these words, as a shell reads them.
Outcome run_milena(const std::string& words);
// Lines of bash in an empty directory, which is removed afterwards. `milena` is the binary, $milena its path, and
// `wait_for FILE TEXT` waits until the file has a line with that text; if none comes, it shows the file and fails.
Outcome run_script(const std::string& lines);

class BrokerProcess {
 public:
  // `overrides` are "key=value"; {port} in one of them is this broker's port.
  explicit BrokerProcess(int shards, std::vector<std::string> overrides = {});
  ~BrokerProcess();
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  // Returns when the broker logs that it is started; a test failure if it does not.
  void start();
  // SIGTERM; returns the exit code, or -1 if it had to be killed.
  int stop() { return stop_with({SIGTERM}); }
  // These, one right after the other.
  int stop_with(std::initializer_list<int> signals);
  // SIGKILL.
  void kill();

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  const std::string& directory() const { return directory_; }
  std::string output();

 private:
  void read_output(int descriptor);
  bool wait_for_output(const std::string& text);
  int wait_for_exit(bool forcibly);

  int shards_;
  std::vector<std::string> overrides_;
  std::string directory_;
  int port_;
  int pid_ = -1;
  std::thread reader_;
  std::mutex mutex_;  // guards the members below
  std::condition_variable changed_;
  std::string output_;
  bool output_ended_ = false;
};

}  // namespace milena::e2e
