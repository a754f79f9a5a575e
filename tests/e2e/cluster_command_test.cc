// `milena cluster`: its processes, and what a user does with them.
#include <gmock/gmock.h>

#include "e2e/e2e_fixture.h"

namespace milena::e2e {
namespace {

using testing::HasSubstr;

constexpr int kPortIsTaken = 75;

// Runs a script's lines beside a cluster: $all are the bootstrap servers, $pid is the process, its output is in `out`.
Outcome run_beside_cluster(int port, const std::string& lines) {
  return run_script("$milena cluster --brokers 3 --dir data --port " + std::to_string(port) + R"( > out 2>&1 &
pid=$!
trap 'kill -INT $pid 2> /dev/null; wait $pid' EXIT
for i in $(seq 400); do grep -q 'All nodes serve' out && break; kill -0 $pid 2> /dev/null || break; sleep 0.05; done
grep -q 'in use by another' data/*.log && exit )" + std::to_string(kPortIsTaken) + R"(
all=$(sed -n 's/^bootstrap.servers=//p' out)
)" + lines);
}

TEST(ClusterCommand, AKilledNodeIsNamedAndStartsAgain) {
  Outcome done{kPortIsTaken, ""};
  for (int attempt = 0; attempt < 5 && done.code == kPortIsTaken; attempt++) {
    done = run_beside_cluster(free_port(), R"(
milena topics create t -p 3 -b $all
echo one | milena produce t -b $all
milena doctor -b $all && echo healthy
kill -9 $(awk '$1 == 2 { print $2 }' out)
wait_for out 'Node 2 has ended' || exit 1
two=$(echo $all | cut -d, -f2)
for i in $(seq 400); do milena doctor -b $all > findings; grep -q under-repl findings && break; done
cat findings
milena doctor -b $two; echo "doctor of the dead ends with $?"
kill -USR1 $pid
wait_for out 'Node 2 starts' || exit 1
for i in $(seq 400); do milena doctor -b $all > findings 2>&1 && break; sleep 0.05; done
cat findings; milena cat t -b $two
)");
  }
  EXPECT_EQ(done.code, 0) << done.output;
  EXPECT_THAT(done.output, HasSubstr("healthy"));
  EXPECT_THAT(done.output, HasSubstr("(broker-fenced)"));
  EXPECT_THAT(done.output, HasSubstr("(partition-under-replicated)"));
  EXPECT_THAT(done.output, HasSubstr("serves HTTP is not known")) << "not that of another broker of this machine";
  EXPECT_THAT(done.output, HasSubstr("doctor of the dead ends with 2"));
  EXPECT_TRUE(done.output.ends_with("Nothing is wrong.\none\n")) << done.output;
}

}  // namespace
}  // namespace milena::e2e
