// confluent-kafka-go, which is librdkafka: Producer, Consumer with Subscribe, AdminClient.
package main

import (
	"context"
	"fmt"
	"maps"
	"sort"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"milena/compat/check"
	login "milena/compat/security/confluent"
)

const partitions = 4

var (
	address, prefix string
	ctx             = context.Background()
	admin           *kafka.AdminClient
)

func main() {
	address, prefix = check.Arguments()
	var err error
	config := login.Config(address)
	admin, err = kafka.NewAdminClient(&config)
	check.Must(err, "NewAdminClient")
	check.Run("AdminClient: cluster", cluster)
	check.Run("AdminClient: create, describe, configs, partitions, delete", topics)
	check.Run("Producer to a new topic, Consumer with Subscribe", autoCreate)
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		for _, acks := range []string{"0", "1", "all", "idempotent"} {
			check.Run(fmt.Sprintf("Producer and Consumer: codec %s, acks %s", codec, acks), func() { codecs(codec, acks) })
		}
	}
	check.Run("Producer: 20,000 records, idempotent", stream)
	check.Run("Consumer: assign, seek, pause, watermarks, offsets for times", assigned)
	check.Run("Consumer group: a second run goes on where the first committed", groupResume)
	for _, strategy := range []string{"range", "roundrobin", "cooperative-sticky"} {
		check.Run("Consumer group: two share the partitions, one leaves: "+strategy, func() { groupShare(strategy) })
	}
	check.Run("AdminClient: groups, offsets, delete records", groups)
	admin.Close()
	check.Exit()
}

func topicWith(suffix string, count int) string {
	topic := prefix + "-" + suffix
	results, err := admin.CreateTopics(ctx, []kafka.TopicSpecification{{Topic: topic, NumPartitions: count, ReplicationFactor: 1}})
	check.Must(err, "CreateTopics")
	checkError(results[0].Error, "CreateTopics")
	if check.SlowCreate {
		consumer := newConsumer(nil)
		defer consumer.Close()
		check.Until("the partitions of "+topic+" answer", func() bool {
			for p := range count {
				if _, _, err := consumer.QueryWatermarkOffsets(topic, int32(p), 5000); err != nil {
					return false
				}
			}
			return true
		})
	}
	return topic
}

func checkError(err kafka.Error, what string) {
	check.Require(err.Code() == kafka.ErrNoError, "%s: %v", what, err)
}

// with gives a client's settings: `common` ones, and those that this one has of its own.
func with(settings, common kafka.ConfigMap) kafka.ConfigMap {
	all := login.Config(address)
	maps.Copy(all, common)
	maps.Copy(all, settings)
	return all
}

func newConsumer(settings kafka.ConfigMap) *kafka.Consumer {
	all := with(settings, kafka.ConfigMap{"group.id": prefix + "-unused", "auto.offset.reset": "earliest", "enable.auto.commit": false,
		"fetch.wait.max.ms": 100})
	consumer, err := kafka.NewConsumer(&all)
	check.Must(err, "NewConsumer")
	return consumer
}

func cluster() {
	described, err := admin.DescribeCluster(ctx)
	check.Must(err, "DescribeCluster")
	check.Equal(len(described.Nodes), 1, "number of nodes")
	check.Require(described.Controller != nil && described.Controller.ID == described.Nodes[0].ID, "the controller is %v", described.Controller)
	check.Equal(len(*described.ClusterID), 22, "length of the cluster id")
}

func topics() {
	topic := topicWith("admin", 2)
	described, err := admin.DescribeTopics(ctx, kafka.NewTopicCollectionOfTopicNames([]string{topic}))
	check.Must(err, "DescribeTopics")
	one := described.TopicDescriptions[0]
	checkError(one.Error, "DescribeTopics")
	check.Equal(len(one.Partitions), 2, "number of partitions")
	for _, partition := range one.Partitions {
		check.Require(partition.Leader != nil, "partition %d has no leader", partition.Partition)
		check.Equal(len(partition.Isr), 1, "number of in-sync replicas")
	}
	again, err := admin.CreateTopics(ctx, []kafka.TopicSpecification{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}})
	check.Must(err, "CreateTopics again")
	check.Equal(again[0].Error.Code(), kafka.ErrTopicAlreadyExists, "error of creating again")
	configs, err := admin.DescribeConfigs(ctx, []kafka.ConfigResource{{Type: kafka.ResourceTopic, Name: topic}})
	check.Must(err, "DescribeConfigs")
	check.Equal(configs[0].Config["cleanup.policy"].Value, "delete", "cleanup.policy")
	grown, err := admin.CreatePartitions(ctx, []kafka.PartitionsSpecification{{Topic: topic, IncreaseTo: 5}})
	check.Must(err, "CreatePartitions")
	checkError(grown[0].Error, "CreatePartitions")
	check.Until("five partitions", func() bool {
		metadata, err := admin.GetMetadata(&topic, false, 5000)
		check.Must(err, "GetMetadata")
		return len(metadata.Topics[topic].Partitions) == 5
	})
	deleted, err := admin.DeleteTopics(ctx, []string{topic})
	check.Must(err, "DeleteTopics")
	checkError(deleted[0].Error, "DeleteTopics")
	check.Until("the topic is gone", func() bool {
		metadata, err := admin.GetMetadata(nil, true, 5000)
		check.Must(err, "GetMetadata")
		_, there := metadata.Topics[topic]
		return !there
	})
}

// produce sends the records and waits for the report of each.
func produce(topic string, records []check.Record, settings kafka.ConfigMap) []kafka.TopicPartition {
	all := with(settings, kafka.ConfigMap{"linger.ms": 5, "go.delivery.reports": true})
	producer, err := kafka.NewProducer(&all)
	check.Must(err, "NewProducer")
	defer producer.Close()
	reports := make(chan kafka.Event, len(records))
	for i, record := range records {
		message := &kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: int32(record.Partition)},
			Key: record.Key, Value: record.Value, Timestamp: record.Time(), Opaque: i}
		for _, header := range record.Headers {
			message.Headers = append(message.Headers, kafka.Header{Key: header.Key, Value: header.Value})
		}
		check.Must(producer.Produce(message, reports), "Produce")
	}
	answers := make([]kafka.TopicPartition, len(records))
	timeout := time.After(check.Deadline)
	for i := range records {
		select {
		case event := <-reports:
			message := event.(*kafka.Message)
			check.Must(message.TopicPartition.Error, "delivery")
			answers[message.Opaque.(int)] = message.TopicPartition
		case <-timeout:
			check.Fail("only %d of %d records were reported", i, len(records))
		}
	}
	return answers
}

func fromMessage(message *kafka.Message) check.Record {
	record := check.Record{Partition: int(message.TopicPartition.Partition), TimestampMs: message.Timestamp.UnixMilli(), Key: message.Key, Value: message.Value}
	for _, header := range message.Headers {
		record.Headers = append(record.Headers, check.Header{Key: header.Key, Value: header.Value})
	}
	return record
}

func poll(consumer *kafka.Consumer, count int) []*kafka.Message {
	var got []*kafka.Message
	end := time.Now().Add(check.Deadline)
	for len(got) < count {
		check.Require(time.Now().Before(end), "only %d of %d messages came", len(got), count)
		switch event := consumer.Poll(100).(type) {
		case *kafka.Message:
			check.Must(event.TopicPartition.Error, "message")
			got = append(got, event)
		case kafka.Error:
			check.Require(!event.IsFatal(), "consumer: %v", event)
		}
	}
	return got
}

func plain(messages []*kafka.Message) []check.Record {
	var result []check.Record
	for _, message := range messages {
		result = append(result, fromMessage(message))
	}
	return result
}

func all(topic string, count int, from kafka.Offset) []kafka.TopicPartition {
	var result []kafka.TopicPartition
	for p := range count {
		result = append(result, kafka.TopicPartition{Topic: &topic, Partition: int32(p), Offset: from})
	}
	return result
}

func readAll(topic string, count int) []check.Record {
	consumer := newConsumer(nil)
	defer consumer.Close()
	check.Must(consumer.Assign(all(topic, partitions, kafka.OffsetBeginning)), "Assign")
	messages := poll(consumer, count)
	next := map[int32]kafka.Offset{}
	for _, message := range messages {
		partition := message.TopicPartition.Partition
		check.Equal(message.TopicPartition.Offset, next[partition], "offset")
		next[partition]++
	}
	return plain(messages)
}

func autoCreate() {
	topic := prefix + "-auto"
	records := check.Make("auto", 10, 1)
	produce(topic, records, nil)
	consumer := newConsumer(kafka.ConfigMap{"group.id": prefix + "-auto"})
	defer consumer.Close()
	check.Must(consumer.SubscribeTopics([]string{topic}, nil), "SubscribeTopics")
	check.Same(plain(poll(consumer, len(records))), records)
}

func codecs(codec, acks string) {
	topic := topicWith("codec-"+codec+"-"+acks, partitions)
	records := check.Make(codec+acks, 80, partitions)
	settings := kafka.ConfigMap{"compression.type": codec, "acks": acks}
	if acks == "idempotent" {
		settings["acks"] = "all"
		settings["enable.idempotence"] = true
	}
	answers := produce(topic, records, settings)
	if acks != "0" {
		for i, answer := range answers {
			check.Equal(answer.Offset, kafka.Offset(i/partitions), "offset answered")
		}
	}
	check.Same(readAll(topic, len(records)), records)
}

func stream() {
	topic := topicWith("stream", partitions)
	records := check.Make("stream", 20_000, partitions)
	answers := produce(topic, records, kafka.ConfigMap{"enable.idempotence": true, "batch.num.messages": 50})
	for i, answer := range answers {
		check.Equal(answer.Offset, kafka.Offset(i/partitions), "offset answered")
	}
	check.Same(readAll(topic, len(records)), records)
}

func assigned() {
	topic := topicWith("assigned", 2)
	records := check.Make("assigned", 100, 2)
	produce(topic, records, kafka.ConfigMap{"compression.type": "zstd"})
	consumer := newConsumer(nil)
	defer consumer.Close()
	low, high, err := consumer.QueryWatermarkOffsets(topic, 1, 5000)
	check.Must(err, "QueryWatermarkOffsets")
	check.Equal(low, 0, "low watermark")
	check.Equal(high, 50, "high watermark")
	first := kafka.TopicPartition{Topic: &topic, Partition: 0}
	asked := first
	asked.Offset = kafka.Offset(check.FirstTimestampMs + 29_500)
	found, err := consumer.OffsetsForTimes([]kafka.TopicPartition{asked}, 5000)
	check.Must(err, "OffsetsForTimes")
	check.Equal(found[0].Offset, 15, "offset for a time")
	check.Must(consumer.Assign(all(topic, 2, kafka.OffsetBeginning)), "Assign")
	check.Must(consumer.Pause([]kafka.TopicPartition{first}), "Pause")
	check.Same(plain(poll(consumer, 50)), check.OfPartition(records, 1))
	check.Must(consumer.Resume([]kafka.TopicPartition{first}), "Resume")
	check.Same(plain(poll(consumer, 50)), check.OfPartition(records, 0))
	target := first
	target.Offset = 33
	check.Must(consumer.Seek(target, 5000), "Seek")
	check.Same(plain(poll(consumer, 17)), check.OfPartition(records, 0)[33:])
}

func groupResume() {
	topic, group := topicWith("resume", partitions), prefix+"-resume"
	records := check.Make("resume", 100, partitions)
	produce(topic, records, kafka.ConfigMap{"compression.type": "lz4"})
	var got []check.Record
	for _, count := range []int{40, 60} {
		consumer := newConsumer(kafka.ConfigMap{"group.id": group})
		check.Must(consumer.Subscribe(topic, nil), "Subscribe")
		for _, message := range poll(consumer, count) {
			_, err := consumer.CommitMessage(message)
			check.Must(err, "CommitMessage")
			got = append(got, fromMessage(message))
		}
		check.Must(consumer.Close(), "Close")
	}
	check.Same(got, records)
}

// share polls consumers in turn until the condition holds, committing what came.
func share(what string, into *[]check.Record, condition func() bool, consumers ...*kafka.Consumer) {
	check.Until(what, func() bool {
		for _, consumer := range consumers {
			for event := consumer.Poll(10); event != nil; event = consumer.Poll(10) {
				if message, ok := event.(*kafka.Message); ok {
					check.Must(message.TopicPartition.Error, "message")
					*into = append(*into, fromMessage(message))
					_, err := consumer.CommitMessage(message)
					check.Must(err, "CommitMessage")
				}
			}
		}
		return condition()
	})
}

func count(consumer *kafka.Consumer) int {
	assignment, err := consumer.Assignment()
	check.Must(err, "Assignment")
	return len(assignment)
}

func groupShare(strategy string) {
	topic := topicWith("share-"+strategy, partitions)
	records := check.Make("share", 200, partitions)
	settings := kafka.ConfigMap{"group.id": topic, "partition.assignment.strategy": strategy, "heartbeat.interval.ms": 200, "session.timeout.ms": 10_000}
	var got []check.Record
	first, second := newConsumer(settings), newConsumer(settings)
	defer first.Close()
	check.Must(first.Subscribe(topic, nil), "Subscribe")
	share("the first has all partitions", &got, func() bool { return count(first) == 4 }, first)
	check.Must(second.Subscribe(topic, nil), "Subscribe")
	share("two partitions each", &got, func() bool { return count(first) == 2 && count(second) == 2 }, first, second)
	produce(topic, records[:100], nil)
	share("a hundred records", &got, func() bool { return len(got) >= 100 }, first, second)
	check.Same(got, records[:100])
	check.Must(second.Close(), "Close")
	share("the one left has all partitions", &got, func() bool { return count(first) == 4 }, first)
	produce(topic, records[100:], nil)
	share("all records", &got, func() bool { return len(got) >= 200 }, first)
	check.Same(got, records)
}

func groups() {
	topic, group := prefix+"-resume", prefix+"-resume"
	listed, err := admin.ListConsumerGroups(ctx)
	check.Must(err, "ListConsumerGroups")
	var names []string
	for _, one := range listed.Valid {
		names = append(names, one.GroupID)
	}
	sort.Strings(names)
	at := sort.SearchStrings(names, group)
	check.Require(at < len(names) && names[at] == group, "the group is not listed among %v", names)
	described, err := admin.DescribeConsumerGroups(ctx, []string{group})
	check.Must(err, "DescribeConsumerGroups")
	check.Equal(described.ConsumerGroupDescriptions[0].State, kafka.ConsumerGroupStateEmpty, "state")
	committed, err := admin.ListConsumerGroupOffsets(ctx, []kafka.ConsumerGroupTopicPartitions{{Group: group, Partitions: all(topic, partitions, 0)}})
	check.Must(err, "ListConsumerGroupOffsets")
	for _, partition := range committed.ConsumerGroupsTopicPartitions[0].Partitions {
		check.Equal(partition.Offset, 25, "committed offset")
	}
	altered, err := admin.AlterConsumerGroupOffsets(ctx, []kafka.ConsumerGroupTopicPartitions{{Group: group, Partitions: all(topic, 1, 7)}})
	check.Must(err, "AlterConsumerGroupOffsets")
	check.Must(altered.ConsumerGroupsTopicPartitions[0].Partitions[0].Error, "AlterConsumerGroupOffsets")
	deleted, err := admin.DeleteConsumerGroups(ctx, []string{group})
	check.Must(err, "DeleteConsumerGroups")
	checkError(deleted.ConsumerGroupResults[0].Error, "DeleteConsumerGroups")
	cut := all(topic, 1, 12)
	records, err := admin.DeleteRecords(ctx, cut)
	check.Must(err, "DeleteRecords")
	check.Equal(records.DeleteRecordsResults[0].DeletedRecords.LowWatermark, 12, "low watermark")
	offsets, err := admin.ListOffsets(ctx, map[kafka.TopicPartition]kafka.OffsetSpec{{Topic: &topic, Partition: 0}: kafka.EarliestOffsetSpec})
	check.Must(err, "ListOffsets")
	for _, one := range offsets.ResultInfos {
		checkError(one.Error, "ListOffsets")
		check.Equal(one.Offset, 12, "earliest offset")
	}
}
