// segmentio/kafka-go: Conn, Writer, Reader with and without a group, Client.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"milena/compat/check"
	login "milena/compat/security/kafkago"
)

const partitions = 4

var (
	address, prefix string
	ctx, cancelAll  = context.WithTimeout(context.Background(), 200*time.Second)
)

func main() {
	defer cancelAll()
	address, prefix = check.Arguments()
	check.Run("Conn: write to and read from topic test", connection)
	check.Run("Conn: create and list topics", createTopics)
	check.Run("Writer: topic created by use", autoCreate)
	for _, codec := range []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd} {
		for _, acks := range []kafka.RequiredAcks{kafka.RequireNone, kafka.RequireOne, kafka.RequireAll} {
			check.Run(fmt.Sprintf("Writer and Reader: codec %v, acks %v", name(codec), acks), func() { codecs(codec, acks) })
		}
	}
	check.Run("Reader: SetOffset, SetOffsetAt, lag", seek)
	check.Run("Reader with GroupID: a second run goes on where the first committed", groupResume)
	check.Run("Reader with GroupID: two share the partitions, one leaves", groupShare)
	check.Run("Client: metadata, offsets, configs, groups, delete", client)
	check.Exit()
}

func name(codec kafka.Compression) string {
	if codec == 0 {
		return "none"
	}
	return codec.String()
}

func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

func topicWith(suffix string, count int) string {
	topic := prefix + "-" + suffix
	conn, err := login.Dialer().DialContext(ctx, "tcp", address)
	check.Must(err, "dial")
	defer conn.Close()
	check.Must(conn.CreateTopics(kafka.TopicConfig{Topic: topic, NumPartitions: count, ReplicationFactor: 1}), "create "+topic)
	if check.SlowCreate {
		for p := range count {
			check.Retry("leader of "+topic, temporary, func() error {
				leader, err := login.Dialer().DialLeader(ctx, "tcp", address, topic, p)
				if err != nil {
					return err
				}
				defer leader.Close()
				_, err = leader.ReadLastOffset()
				return err
			})
		}
	}
	return topic
}

// fresh gives a writer or client a memory of its own: the client's common one knows a new topic only seconds later.
func fresh() *kafka.Transport { return login.Transport() }

// connection is the first example of the client's own page.
func connection() {
	var conn *kafka.Conn
	check.Retry("DialLeader", temporary, func() (err error) {
		conn, err = login.Dialer().DialLeader(ctx, "tcp", address, "test", 0)
		return err
	})
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(check.Deadline))
	start, err := conn.ReadLastOffset()
	check.Must(err, "ReadLastOffset")
	_, err = conn.WriteMessages(kafka.Message{Value: []byte("one!")}, kafka.Message{Value: []byte("two!")}, kafka.Message{Value: []byte("three!")})
	check.Must(err, "WriteMessages")
	_, err = conn.Seek(start, kafka.SeekAbsolute)
	check.Must(err, "Seek")
	batch := conn.ReadBatch(1, 1e6)
	for i, want := range []string{"one!", "two!", "three!"} {
		message, err := batch.ReadMessage()
		check.Must(err, "ReadMessage")
		check.Equal(string(message.Value), want, "value")
		check.Equal(message.Offset, start+int64(i), "offset")
	}
	check.Must(batch.Close(), "close the batch")
	last, err := conn.ReadLastOffset()
	check.Must(err, "ReadLastOffset")
	check.Equal(last, start+3, "last offset")
}

// temporary says which errors a user must expect of Kafka while a topic is being made.
func temporary(err error) bool {
	return errors.Is(err, kafka.LeaderNotAvailable) || errors.Is(err, kafka.UnknownTopicOrPartition) ||
		errors.Is(err, kafka.NotLeaderForPartition) || errors.Is(err, context.DeadlineExceeded)
}

func createTopics() {
	topic := topicWith("created", partitions)
	conn, err := login.Dialer().DialContext(ctx, "tcp", address)
	check.Must(err, "dial")
	defer conn.Close()
	found, err := conn.ReadPartitions(topic)
	check.Must(err, "ReadPartitions")
	check.Equal(len(found), partitions, "number of partitions")
	for _, partition := range found {
		check.Require(partition.Leader.Port != 0, "partition %v has no leader", partition)
		check.Equal(len(partition.Replicas), 1, "number of replicas")
		check.Equal(len(partition.Isr), 1, "number of in-sync replicas")
	}
	all, err := conn.ReadPartitions()
	check.Must(err, "ReadPartitions of all")
	count := 0
	for _, partition := range all {
		if partition.Topic == topic {
			count++
		}
	}
	check.Equal(count, partitions, "number of partitions among all")
	controller, err := conn.Controller()
	check.Must(err, "Controller")
	check.Require(strings.HasSuffix(address, fmt.Sprintf(":%d", controller.Port)), "port of the controller is %d", controller.Port)
	brokers, err := conn.Brokers()
	check.Must(err, "Brokers")
	check.Equal(len(brokers), 1, "number of brokers")
}

// toPartition has the writer put each record where the record says.
type toPartition map[string]int

func (to toPartition) Balance(message kafka.Message, _ ...int) int { return to[string(message.Key)] }

func messages(records []check.Record) ([]kafka.Message, toPartition) {
	to := toPartition{}
	var result []kafka.Message
	for _, record := range records {
		message := kafka.Message{Key: record.Key, Value: record.Value, Time: record.Time()}
		for _, header := range record.Headers {
			message.Headers = append(message.Headers, kafka.Header{Key: header.Key, Value: header.Value})
		}
		to[string(record.Key)] = record.Partition
		result = append(result, message)
	}
	return result, to
}

func record(message kafka.Message) check.Record {
	result := check.Record{Partition: message.Partition, TimestampMs: message.Time.UnixMilli(), Key: message.Key, Value: message.Value}
	for _, header := range message.Headers {
		result.Headers = append(result.Headers, check.Header{Key: header.Key, Value: header.Value})
	}
	return result
}

func write(topic string, records []check.Record, codec kafka.Compression, acks kafka.RequiredAcks) {
	list, to := messages(records)
	writer := &kafka.Writer{Addr: kafka.TCP(address), Topic: topic, Balancer: to, Compression: codec, RequiredAcks: acks,
		BatchTimeout: 10 * time.Millisecond, Transport: fresh()}
	check.Must(writer.WriteMessages(ctx, list...), "WriteMessages")
	check.Must(writer.Close(), "close the writer")
}

// readPartition reads from the beginning to the given count, and requires offsets in a row.
func readPartition(topic string, partition, count int) []check.Record {
	reader := kafka.NewReader(kafka.ReaderConfig{Dialer: login.Dialer(), Brokers: []string{address}, Topic: topic, Partition: partition, MaxWait: 200 * time.Millisecond})
	defer reader.Close()
	limited, cancel := within(check.Deadline)
	defer cancel()
	var result []check.Record
	for i := range count {
		message, err := reader.ReadMessage(limited)
		check.Must(err, fmt.Sprintf("ReadMessage %d of %d of partition %d", i, count, partition))
		check.Equal(message.Offset, int64(i), "offset")
		result = append(result, record(message))
	}
	return result
}

func autoCreate() {
	topic := prefix + "-auto"
	records := check.Make("auto", 10, 1)
	list, _ := messages(records)
	writer := &kafka.Writer{Addr: kafka.TCP(address), Topic: topic, AllowAutoTopicCreation: true, BatchTimeout: 10 * time.Millisecond,
		Transport: fresh()}
	defer writer.Close()
	check.Retry("WriteMessages", temporary, func() error { return writer.WriteMessages(ctx, list...) })
	check.Same(readPartition(topic, 0, len(records)), records)
}

func codecs(codec kafka.Compression, acks kafka.RequiredAcks) {
	topic := topicWith("codec-"+name(codec)+"-"+strconv.Itoa(int(acks)), partitions)
	records := check.Make(name(codec), 80, partitions)
	write(topic, records, codec, acks)
	var got []check.Record
	for p := range partitions {
		got = append(got, readPartition(topic, p, len(records)/partitions)...)
	}
	check.Same(got, records)
}

func seek() {
	topic := topicWith("seek", 1)
	records := check.Make("seek", 50, 1)
	write(topic, records, kafka.Zstd, kafka.RequireAll)
	reader := kafka.NewReader(kafka.ReaderConfig{Dialer: login.Dialer(), Brokers: []string{address}, Topic: topic, MaxWait: 200 * time.Millisecond})
	defer reader.Close()
	next := func() int64 {
		message, err := reader.ReadMessage(ctx)
		check.Must(err, "ReadMessage")
		return message.Offset
	}
	check.Must(reader.SetOffset(17), "SetOffset")
	check.Equal(next(), 17, "offset after SetOffset")
	check.Equal(next(), 18, "offset after that")
	check.Must(reader.SetOffsetAt(ctx, time.UnixMilli(check.FirstTimestampMs+29_500)), "SetOffsetAt")
	check.Equal(next(), 30, "offset after SetOffsetAt")
	check.Must(reader.SetOffset(kafka.FirstOffset), "SetOffset to the first")
	check.Equal(next(), 0, "offset at the beginning")
	lag, err := reader.ReadLag(ctx)
	check.Must(err, "ReadLag")
	check.Equal(lag, 49, "lag")
}

func groupReader(group, topic string) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{Dialer: login.Dialer(), Brokers: []string{address}, GroupID: group, Topic: topic, StartOffset: kafka.FirstOffset,
		MaxWait: 200 * time.Millisecond, HeartbeatInterval: 200 * time.Millisecond, JoinGroupBackoff: 200 * time.Millisecond})
}

// stillLoading says whether this is Apache Kafka's first group: its coordinator answers before it is ready.
func stillLoading(err error) bool {
	return check.SlowCreate && (errors.Is(err, kafka.NotCoordinatorForGroup) || errors.Is(err, kafka.GroupCoordinatorNotAvailable) ||
		errors.Is(err, kafka.GroupLoadInProgress))
}

func groupResume() {
	topic := topicWith("resume", partitions)
	records := check.Make("resume", 100, partitions)
	write(topic, records, kafka.Lz4, kafka.RequireAll)
	limited, cancel := within(2 * check.Deadline)
	defer cancel()
	var got []check.Record
	for _, count := range []int{40, 60} {
		reader := groupReader(prefix+"-resume", topic)
		for range count {
			var message kafka.Message
			check.Retry(fmt.Sprintf("FetchMessage after %d", len(got)), stillLoading, func() (err error) {
				message, err = reader.FetchMessage(limited)
				return err
			})
			check.Must(reader.CommitMessages(limited, message), "CommitMessages")
			got = append(got, record(message))
		}
		check.Must(reader.Close(), "close the reader")
	}
	check.Same(got, records)
}

// groupShare has two readers of a group, each in a goroutine of its own, and ends one of them half way.
func groupShare() {
	topic := topicWith("share", partitions)
	group := prefix + "-share"
	records := check.Make("share", 200, partitions)
	arrived := make(chan kafka.Message, len(records)*2)
	start := func() *kafka.Reader {
		reader := groupReader(group, topic)
		go func() {
			for {
				// ReadMessage commits by itself.
				message, err := reader.ReadMessage(ctx)
				if err != nil {
					return // closed
				}
				arrived <- message
			}
		}()
		return reader
	}
	first, second := start(), start()
	defer first.Close()
	waitForAssignment(group, []int{2, 2})
	write(topic, records[:100], 0, kafka.RequireAll)
	got := collect(arrived, 100)
	check.Same(got, records[:100])
	check.Must(second.Close(), "close the second reader")
	waitForAssignment(group, []int{4})
	write(topic, records[100:], 0, kafka.RequireAll)
	check.Same(append(got, collect(arrived, 100)...), records)
}

func waitForAssignment(group string, want []int) {
	cluster := &kafka.Client{Addr: kafka.TCP(address), Transport: fresh()}
	seen := ""
	check.Until(fmt.Sprintf("members of %s with %v partitions", group, want), func() bool {
		answer, err := cluster.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{group}})
		check.Must(err, "DescribeGroups")
		counts := []int{}
		for _, member := range answer.Groups[0].Members {
			for _, topic := range member.MemberAssignments.Topics {
				counts = append(counts, len(topic.Partitions))
			}
		}
		seen = fmt.Sprint(answer.Groups[0].GroupState, counts)
		return seen == fmt.Sprint("Stable", want)
	})
}

func collect(arrived chan kafka.Message, count int) []check.Record {
	timeout := time.After(check.Deadline)
	var got []check.Record
	for len(got) < count {
		select {
		case message := <-arrived:
			got = append(got, record(message))
		case <-timeout:
			check.Fail("only %d of %d messages came", len(got), count)
		}
	}
	return got
}

func client() {
	cluster := &kafka.Client{Addr: kafka.TCP(address), Transport: fresh()}
	topic := prefix + "-client"
	created, err := cluster.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "retention.ms", ConfigValue: "1234567"}}}}})
	check.Must(err, "CreateTopics")
	check.Must(created.Errors[topic], "CreateTopics of "+topic)
	metadata, err := cluster.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	check.Must(err, "Metadata")
	check.Equal(len(metadata.Topics[0].Partitions), 1, "number of partitions")

	value := kafka.NewBytes([]byte("a value"))
	produced, err := cluster.Produce(ctx, &kafka.ProduceRequest{Topic: topic, RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(kafka.Record{Value: value, Time: time.Now()})})
	check.Must(err, "Produce")
	check.Must(produced.Error, "Produce")
	check.Equal(produced.BaseOffset, 0, "base offset")
	fetched, err := cluster.Fetch(ctx, &kafka.FetchRequest{Topic: topic, Offset: 0, MinBytes: 1, MaxBytes: 1e6, MaxWait: time.Second})
	check.Must(err, "Fetch")
	first, err := fetched.Records.ReadRecord()
	check.Must(err, "ReadRecord")
	text, _ := io.ReadAll(first.Value)
	check.Equal(string(text), "a value", "value")

	offsets, err := cluster.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0)}}})
	check.Must(err, "ListOffsets")
	check.Equal(offsets.Topics[topic][0].FirstOffset, 0, "first offset")
	check.Equal(offsets.Topics[topic][0].LastOffset, 1, "last offset")
	configs, err := cluster.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
		{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{"retention.ms"}}}})
	check.Must(err, "DescribeConfigs")
	check.Equal(configs.Resources[0].ConfigEntries[0].ConfigValue, "1234567", "retention.ms")

	groups, err := cluster.ListGroups(ctx, &kafka.ListGroupsRequest{})
	check.Must(err, "ListGroups")
	listed := false
	for _, group := range groups.Groups {
		listed = listed || group.GroupID == prefix+"-resume"
	}
	check.Require(listed, "the group is not listed")
	committed, err := cluster.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: prefix + "-resume", Topics: map[string][]int{prefix + "-resume": {0, 1, 2, 3}}})
	check.Must(err, "OffsetFetch")
	for _, partition := range committed.Topics[prefix+"-resume"] {
		check.Equal(partition.CommittedOffset, 25, "committed offset")
	}
	deletedGroups, err := cluster.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{prefix + "-resume"}})
	check.Must(err, "DeleteGroups")
	check.Must(deletedGroups.Errors[prefix+"-resume"], "DeleteGroups")

	deleted, err := cluster.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	check.Must(err, "DeleteTopics")
	check.Must(deleted.Errors[topic], "DeleteTopics of "+topic)
	check.Until("the topic is gone", func() bool {
		metadata, err := cluster.Metadata(ctx, &kafka.MetadataRequest{})
		check.Must(err, "Metadata")
		for _, one := range metadata.Topics {
			if one.Name == topic {
				return false
			}
		}
		return true
	})
}
