#include "net/server_settings.h"

#include <gtest/gtest.h>

namespace milena::net {
namespace {

config::Settings settings_with(std::vector<std::string> overrides) {
  Result<config::Settings> settings = config::Settings::load({"", std::move(overrides)});
  EXPECT_TRUE(settings.ok()) << settings.error().message;
  return settings.take();
}

TEST(ServerSettings, DefaultsLeaveTheSocketsBuffersToTheSystem) {
  Result<ServerOptions> options = server_options(config::Settings());
  ASSERT_TRUE(options.ok()) << options.error().message;
  ASSERT_EQ(options->listeners.size(), 1u);
  EXPECT_EQ(options->listeners[0].name, "PLAINTEXT");
  EXPECT_EQ(options->listeners[0].host, "");
  EXPECT_EQ(options->listeners[0].port, 9092);
  EXPECT_EQ(options->listeners[0].send_buffer_bytes, -1);
  EXPECT_EQ(options->listeners[0].receive_buffer_bytes, -1);
  EXPECT_EQ(options->limits.request_max_bytes, 104857600u);
  EXPECT_EQ(options->limits.max_idle_ms, 600000);
}

TEST(ServerSettings, WhatIsSetCounts) {
  Result<ServerOptions> options = server_options(settings_with(
      {"socket.send.buffer.bytes=200000", "socket.receive.buffer.bytes=-1", "socket.request.max.bytes=5000",
       "connections.max.idle.ms=-1", "max.connections=7", "max.connections.per.ip=3", "socket.listen.backlog.size=9",
       "max.connections.per.ip.overrides=127.0.0.1:5, ::1:6"}));
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->listeners[0].send_buffer_bytes, 200000);
  EXPECT_EQ(options->listeners[0].receive_buffer_bytes, -1);
  EXPECT_EQ(options->listeners[0].backlog, 9);
  EXPECT_EQ(options->limits.request_max_bytes, 5000u);
  EXPECT_EQ(options->limits.max_idle_ms, -1);
  EXPECT_EQ(options->max_connections, 7);
  EXPECT_EQ(options->max_connections_per_ip, 3);
  EXPECT_EQ(options->max_connections_of_hosts, (HostLimits{{"127.0.0.1", 5}, {"::1", 6}}));
  const Result<IpLimits> limits = limits_by_address(options->max_connections_of_hosts, look_up_host);
  ASSERT_TRUE(limits.ok());
  EXPECT_EQ(*limits, (IpLimits{{"127.0.0.1", 5}, {"0:0:0:0:0:0:0:1", 6}}));
}

TEST(ServerSettings, AnOverrideForAnAddressNeedsANumber) {
  for (const char* text : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:x"}) {
    EXPECT_FALSE(server_options(settings_with({std::string("max.connections.per.ip.overrides=") + text})).ok()) << text;
  }
}

TEST(ServerSettings, AnOverrideMayNameAHost) {
  const auto known = server_options(settings_with({"max.connections.per.ip.overrides=localhost:5"}));
  ASSERT_TRUE(known.ok()) << known.error().message;
  const Result<IpLimits> limits = limits_by_address(known->max_connections_of_hosts, look_up_host);
  ASSERT_TRUE(limits.ok()) << limits.error().message;
  EXPECT_TRUE(limits->contains("127.0.0.1") || limits->contains("0:0:0:0:0:0:0:1"));
  EXPECT_FALSE(limits_by_address({{"no.such.host.invalid", 5}}, look_up_host).ok());
}

}  // namespace
}  // namespace milena::net
