#include "net/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "base/temp_directory.h"

namespace milena::net {
namespace {

// The service manager's end.
class ServiceManagerTest : public testing::Test {
 protected:
  void listen_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    ASSERT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0) << std::strerror(errno);
  }
  std::string received() {
    char buffer[64];
    const ssize_t size = ::recv(socket_, buffer, sizeof(buffer), MSG_DONTWAIT);
    return size < 0 ? "" : std::string(buffer, static_cast<size_t>(size));
  }
  void TearDown() override {
    ::unsetenv("NOTIFY_SOCKET");
    if (socket_ >= 0) ::close(socket_);
  }

 private:
  int socket_ = -1;
};

TEST_F(ServiceManagerTest, IsToldAtAPath) {
  const TempDirectory directory;
  const std::string path = directory.path() + "/socket";
  listen_at(path);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  notify_service_manager("READY=1");
  EXPECT_EQ(received(), "READY=1");
}

TEST_F(ServiceManagerTest, IsToldAtAnAbstractName) {
  const std::string name = "milena-notify-" + std::to_string(::getpid());
  listen_at(std::string(1, '\0') + name);
  ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  notify_service_manager("STOPPING=1");
  EXPECT_EQ(received(), "STOPPING=1");
}

TEST_F(ServiceManagerTest, NobodyAsks) {
  testing::internal::CaptureStdout();
  notify_service_manager("READY=1");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST_F(ServiceManagerTest, AWrongAddressIsNamedAndStopsNothing) {
  for (const std::string& path : {std::string("relative"), "/" + std::string(200, 'x'), std::string("/not/there")}) {
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    testing::internal::CaptureStdout();
    notify_service_manager("READY=1");
    EXPECT_NE(testing::internal::GetCapturedStdout().find("NOTIFY_SOCKET=" + path), std::string::npos) << path;
  }
}

}  // namespace
}  // namespace milena::net
