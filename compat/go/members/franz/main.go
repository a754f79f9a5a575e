// A member of a group: franz-go. compat/groups/member.py says what it prints.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	login "milena/compat/security/franz"
)

func say(lines []string) {
	if len(lines) > 0 {
		os.Stdout.WriteString(strings.Join(lines, "\n") + "\n")
	}
}

func lost(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	var lines []string
	for _, list := range partitions {
		for _, partition := range list {
			lines = append(lines, fmt.Sprintf("lost %d", partition))
		}
	}
	say(lines)
}

func options(arguments []string) []kgo.Opt {
	list := []kgo.Opt{
		kgo.SeedBrokers(arguments[0]), kgo.ConsumerGroup(arguments[1]), kgo.ConsumeTopics(arguments[2]),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsRevoked(lost), kgo.OnPartitionsLost(lost),
		kgo.MetadataMaxAge(time.Second), kgo.MetadataMinAge(250 * time.Millisecond), kgo.AlwaysRetryEOF(),
	}
	if arguments[3] == "consumer" {
		return append(list, kgo.ServerSideBalancer())
	}
	list = append(list, kgo.SessionTimeout(10*time.Second), kgo.HeartbeatInterval(500*time.Millisecond))
	if arguments[3] == "cooperative" {
		return append(list, kgo.Balancers(kgo.CooperativeStickyBalancer()))
	}
	return append(list, kgo.Balancers(kgo.RangeBalancer()))
}

func take(client *kgo.Client, records []*kgo.Record) {
	var lines []string
	next := map[int32]int64{}
	for _, record := range records {
		lines = append(lines, fmt.Sprintf("r %d %d", record.Partition, record.Offset))
		next[record.Partition] = record.Offset + 1
	}
	say(lines)
	if err := client.CommitRecords(context.Background(), records...); err != nil {
		fmt.Fprintln(os.Stderr, "commit:", err)
		return
	}
	lines = nil
	for partition, offset := range next {
		lines = append(lines, fmt.Sprintf("c %d %d", partition, offset))
	}
	say(lines)
}

func main() {
	client, err := kgo.NewClient(login.With(options(os.Args[1:])...)...)
	if err != nil {
		panic(err)
	}
	running, stop := context.WithCancel(context.Background())
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		stop()
	}()
	for running.Err() == nil {
		if records := client.PollRecords(running, 50).Records(); len(records) > 0 {
			take(client, records)
		}
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
	say([]string{"stopped"})
}
