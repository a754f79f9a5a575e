// figures ADDRESS: what franz-go's admin client finds out about topics and groups, in kafka_exporter's names and text, for a
// comparison with what a broker says of itself.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func boolean(value bool) int {
	if value {
		return 1
	}
	return 0
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]))
	check(err)
	defer client.Close()
	admin := kadm.NewClient(client)

	metadata, err := admin.Metadata(ctx)
	check(err)
	fmt.Printf("kafka_brokers %d\n", len(metadata.Brokers))
	for _, broker := range metadata.Brokers {
		fmt.Printf("kafka_broker_info{address=\"%s:%d\",id=\"%d\"} 1\n", broker.Host, broker.Port, broker.NodeID)
	}
	starts, err := admin.ListStartOffsets(ctx, metadata.Topics.Names()...)
	check(err)
	ends, err := admin.ListEndOffsets(ctx, metadata.Topics.Names()...)
	check(err)
	for _, topic := range metadata.Topics {
		fmt.Printf("kafka_topic_partitions{topic=\"%s\"} %d\n", topic.Topic, len(topic.Partitions))
		for _, partition := range topic.Partitions {
			of := func(name string, value any) {
				fmt.Printf("kafka_topic_partition_%s{partition=\"%d\",topic=\"%s\"} %v\n", name, partition.Partition, topic.Topic, value)
			}
			start, _ := starts.Lookup(topic.Topic, partition.Partition)
			end, _ := ends.Lookup(topic.Topic, partition.Partition)
			of("oldest_offset", start.Offset)
			of("current_offset", end.Offset)
			of("leader", partition.Leader)
			of("replicas", len(partition.Replicas))
			of("in_sync_replica", len(partition.ISR))
			of("leader_is_preferred", boolean(partition.Replicas[0] == partition.Leader))
			of("under_replicated_partition", boolean(len(partition.ISR) < len(partition.Replicas)))
		}
	}

	groups, err := admin.Lag(ctx)
	check(err)
	for _, group := range groups {
		check(group.Error())
		fmt.Printf("kafka_consumergroup_members{consumergroup=%q} %d\n", group.Group, len(group.Members))
		offsets, lags := map[string]int64{}, map[string]int64{}
		for topic, partitions := range group.Lag {
			for number, lag := range partitions {
				if lag.Commit.At < 0 {
					continue
				}
				of := func(name string, value int64) {
					fmt.Printf("kafka_consumergroup_%s{consumergroup=%q,partition=\"%d\",topic=\"%s\"} %d\n", name, group.Group, number, topic, value)
				}
				of("current_offset", lag.Commit.At)
				of("lag", lag.Lag)
				offsets[topic] += lag.Commit.At
				lags[topic] += lag.Lag
			}
		}
		for topic := range offsets {
			fmt.Printf("kafka_consumergroup_current_offset_sum{consumergroup=%q,topic=\"%s\"} %d\n", group.Group, topic, offsets[topic])
			fmt.Printf("kafka_consumergroup_lag_sum{consumergroup=%q,topic=\"%s\"} %d\n", group.Group, topic, lags[topic])
		}
	}
}
