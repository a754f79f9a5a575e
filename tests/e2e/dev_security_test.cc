// `milena --dev-security` as a user starts it, on a data directory that was used without it.
#include <gmock/gmock.h>

#include "e2e/e2e_fixture.h"

namespace milena::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(DevSecurityCommand, ItsUsersLogInWhateverTheDirectoryHolds) {
  const Outcome done = run_script("port=" + std::to_string(free_port()) + R"(
serve() {  # LISTENER WORD...
  name=$1; shift
  $milena "$@" --override listeners=$name://localhost:$port --override milena.http.listeners= \
    --override log.dirs=data > log 2>&1 &
  pid=$!
  wait_for log 'Kafka Server started'
}
stop() { kill $pid; wait $pid; }
serve PLAINTEXT
echo of-before | milena users set admin -b localhost:$port
echo hello | milena produce t -b localhost:$port
stop
for start in first second; do
  serve DEV --dev-security
  echo "$start start"
  milena topics create $start --command-config data-security/admin.properties && echo "the admin made a topic"
  milena cat t --command-config data-security/reader.properties
  milena topics delete t --command-config data-security/reader.properties
  grep -o WARN.* log
  stop
done
rm data-security/passwords.properties
serve DEV --dev-security
milena topics --command-config data-security/admin.properties
stop
)");
  for (const char* start : {"first", "second"}) {
    EXPECT_THAT(done.output, HasSubstr(std::string(start) + " start\nthe admin made a topic\nhello\nmilena: "));
  }
  EXPECT_THAT(done.output, Not(HasSubstr("WARN"))) << "all that it needs is set";
  EXPECT_TRUE(done.output.find("second ") != std::string::npos && done.output.find("TOPIC ") != std::string::npos)
      << "with new passwords the users get these: " << done.output;
}

}  // namespace
}  // namespace milena::e2e
