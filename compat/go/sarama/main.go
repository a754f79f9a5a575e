// IBM/sarama: SyncProducer, AsyncProducer, Consumer, ConsumerGroup, ClusterAdmin, each with several protocol versions.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/IBM/sarama"
	"milena/compat/check"
	login "milena/compat/security/sarama"
)

const partitions = 4

var (
	address, prefix string
	ctx             = context.Background()
)

// A side is sarama as one user has set it up.
type side struct {
	name   string
	change func(*sarama.Config)
}

func withVersion(version sarama.KafkaVersion) func(*sarama.Config) {
	return func(config *sarama.Config) { config.Version = version }
}

func main() {
	address, prefix = check.Arguments()
	sarama.Logger = log.New(os.Stderr, "", log.Ltime|log.Lmicroseconds)
	for _, one := range []side{
		{"default", func(*sarama.Config) {}},
		{"V1_0_0_0", withVersion(sarama.V1_0_0_0)},
		{"V2_1_0_0", withVersion(sarama.V2_1_0_0)},
		{"V3_6_0_0", withVersion(sarama.V3_6_0_0)},
		{"newest", withVersion(sarama.MaxVersion)},
	} {
		run := func(name string, body func()) { check.Run(one.name+": "+name, body) }
		if one.name != "V1_0_0_0" || check.TakesOldest {
			run("ClusterAdmin: create, list, describe, configs, partitions, delete", one.topics)
		}
		run("SyncProducer to a new topic", one.autoCreate)
		for _, codec := range []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy, sarama.CompressionLZ4, sarama.CompressionZSTD} {
			if codec == sarama.CompressionZSTD && !one.config().Version.IsAtLeast(sarama.V2_1_0_0) {
				continue // sarama itself refuses zstd before 2.1
			}
			for _, acks := range []sarama.RequiredAcks{sarama.NoResponse, sarama.WaitForLocal, sarama.WaitForAll} {
				if acks != sarama.WaitForAll && one.name != "default" {
					continue
				}
				run(fmt.Sprintf("SyncProducer and Consumer: codec %v, acks %d", codec, acks), func() { one.codecs(codec, acks) })
			}
		}
		run("AsyncProducer: 5,000 records, idempotent", one.stream)
		run("Client: offsets by time", one.offsets)
		run("ConsumerGroup: a second run goes on where the first marked", one.groupResume)
		run("ConsumerGroup: two share the partitions, one leaves", one.groupShare)
		if one.config().Version.IsAtLeast(sarama.V1_1_0_0) {
			run("ClusterAdmin: groups", one.groups) // sarama itself refuses to delete groups before 1.1
		}
	}
	check.Exit()
}

func (s side) config() *sarama.Config {
	config := login.Config()
	config.ClientID = "milena-compat"
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Return.Errors = false
	config.Consumer.Group.Heartbeat.Interval = 200 * time.Millisecond
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRoundRobin()}
	s.change(config)
	return config
}

func (s side) topic(suffix string) string { return prefix + "-" + s.name + "-" + suffix }

func (s side) admin() sarama.ClusterAdmin {
	admin, err := sarama.NewClusterAdmin([]string{address}, s.config())
	check.Must(err, "NewClusterAdmin")
	return admin
}

func (s side) create(suffix string, count int) string {
	topic := s.topic(suffix)
	admin := s.admin()
	defer admin.Close()
	check.Must(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: int32(count), ReplicationFactor: 1}, false), "CreateTopic")
	if check.SlowCreate {
		check.Until("the partitions of "+topic+" answer", func() bool {
			client, err := sarama.NewClient([]string{address}, s.config())
			check.Must(err, "NewClient")
			defer client.Close()
			for p := range count {
				if _, err := client.GetOffset(topic, int32(p), sarama.OffsetNewest); err != nil {
					return false
				}
			}
			return true
		})
	}
	return topic
}

func (s side) topics() {
	topic := s.create("admin", 2)
	admin := s.admin()
	defer admin.Close()
	listed, err := admin.ListTopics()
	check.Must(err, "ListTopics")
	check.Equal(listed[topic].NumPartitions, 2, "number of partitions")
	err = admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
	check.Require(errors.Is(err, sarama.ErrTopicAlreadyExists), "creating again gave %v", err)
	brokers, controller, err := admin.DescribeCluster()
	check.Must(err, "DescribeCluster")
	check.Equal(len(brokers), 1, "number of brokers")
	check.Equal(controller, brokers[0].ID(), "controller")
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"cleanup.policy"}})
	check.Must(err, "DescribeConfig")
	check.Equal(entries[0].Value, "delete", "cleanup.policy")
	check.Must(admin.CreatePartitions(topic, 5, nil, false), "CreatePartitions")
	check.Until("five partitions", func() bool {
		described, err := admin.DescribeTopics([]string{topic})
		check.Must(err, "DescribeTopics")
		return len(described[0].Partitions) == 5
	})
	check.Must(admin.DeleteTopic(topic), "DeleteTopic")
	check.Until("the topic is gone", func() bool {
		listed, err := admin.ListTopics()
		check.Must(err, "ListTopics")
		_, there := listed[topic]
		return !there
	})
}

func toMessage(topic string, record check.Record) *sarama.ProducerMessage {
	message := &sarama.ProducerMessage{Topic: topic, Partition: int32(record.Partition), Timestamp: record.Time(),
		Key: sarama.ByteEncoder(record.Key), Value: sarama.ByteEncoder(record.Value)}
	for _, header := range record.Headers {
		message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(header.Key), Value: header.Value})
	}
	return message
}

func fromMessage(message *sarama.ConsumerMessage) check.Record {
	record := check.Record{Partition: int(message.Partition), TimestampMs: message.Timestamp.UnixMilli(), Key: message.Key, Value: message.Value}
	for _, header := range message.Headers {
		record.Headers = append(record.Headers, check.Header{Key: string(header.Key), Value: header.Value})
	}
	return record
}

func (s side) produce(topic string, records []check.Record, codec sarama.CompressionCodec, acks sarama.RequiredAcks) {
	config := s.config()
	config.Producer.Compression = codec
	config.Producer.RequiredAcks = acks
	producer, err := sarama.NewSyncProducer([]string{address}, config)
	check.Must(err, "NewSyncProducer")
	defer producer.Close()
	var messages []*sarama.ProducerMessage
	for _, record := range records {
		messages = append(messages, toMessage(topic, record))
	}
	check.Must(producer.SendMessages(messages), "SendMessages")
}

func (s side) readAll(topic string, count int) []check.Record {
	config := s.config()
	config.Consumer.MaxWaitTime = 50 * time.Millisecond // closing a partition waits for its fetch
	consumer, err := sarama.NewConsumer([]string{address}, config)
	check.Must(err, "NewConsumer")
	defer consumer.Close()
	list, err := consumer.Partitions(topic)
	check.Must(err, "Partitions")
	var got []check.Record
	timeout := time.After(check.Deadline)
	for _, partition := range list {
		reader, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
		check.Must(err, "ConsumePartition")
		for offset := range int64(count / len(list)) {
			select {
			case message := <-reader.Messages():
				check.Equal(message.Offset, offset, "offset")
				got = append(got, fromMessage(message))
			case <-timeout:
				check.Fail("only %d of %d records came", len(got), count)
			}
		}
		check.Must(reader.Close(), "close the partition")
	}
	return got
}

func (s side) autoCreate() {
	topic := s.topic("auto")
	config := s.config()
	config.Producer.Partitioner = sarama.NewRandomPartitioner
	producer, err := sarama.NewSyncProducer([]string{address}, config)
	check.Must(err, "NewSyncProducer")
	defer producer.Close()
	partition, offset, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("testing 123")})
	check.Must(err, "SendMessage")
	check.Equal(partition, 0, "partition")
	check.Equal(offset, 0, "offset")
	check.Equal(string(s.readAll(topic, 1)[0].Value), "testing 123", "value")
}

func (s side) codecs(codec sarama.CompressionCodec, acks sarama.RequiredAcks) {
	label := fmt.Sprintf("%v%d", codec, acks)
	topic := s.create(label, partitions)
	records := check.Make(label, 80, partitions)
	s.produce(topic, records, codec, acks)
	check.Same(s.readAll(topic, len(records)), records)
}

func (s side) stream() {
	topic := s.create("stream", partitions)
	records := check.Make("stream", 5000, partitions)
	config := s.config()
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Net.MaxOpenRequests = 1 // sarama asks for it
	config.Producer.Flush.MaxMessages = 50
	producer, err := sarama.NewAsyncProducer([]string{address}, config)
	check.Must(err, "NewAsyncProducer")
	go func() {
		for _, record := range records {
			producer.Input() <- toMessage(topic, record)
		}
	}()
	next := make([]int64, partitions)
	timeout := time.After(check.Deadline)
	for i := range records {
		select {
		case message := <-producer.Successes():
			check.Equal(message.Offset, next[message.Partition], "offset answered")
			next[message.Partition]++
		case failure := <-producer.Errors():
			check.Fail("record %d: %v", i, failure.Err)
		case <-timeout:
			check.Fail("only %d of %d records were acknowledged", i, len(records))
		}
	}
	check.Must(producer.Close(), "close the producer")
	check.Same(s.readAll(topic, len(records)), records)
}

func (s side) offsets() {
	topic := s.create("offsets", 1)
	s.produce(topic, check.Make("offsets", 50, 1), sarama.CompressionSnappy, sarama.WaitForAll)
	client, err := sarama.NewClient([]string{address}, s.config())
	check.Must(err, "NewClient")
	defer client.Close()
	for _, one := range []struct{ time, offset int64 }{
		{sarama.OffsetOldest, 0}, {sarama.OffsetNewest, 50}, {check.FirstTimestampMs + 29_500, 30}, {check.FirstTimestampMs, 0},
	} {
		offset, err := client.GetOffset(topic, 0, one.time)
		check.Must(err, "GetOffset")
		check.Equal(offset, one.offset, fmt.Sprintf("offset for %d", one.time))
	}
}

// A member runs a consumer group's loop until it is closed or its limit of messages is reached.
type member struct {
	group    sarama.ConsumerGroup
	arrived  chan *sarama.ConsumerMessage
	limit    int
	assigned chan int
	stop     context.CancelFunc
	ended    chan struct{}
}

func (s side) join(group, topic string, arrived chan *sarama.ConsumerMessage, limit int) *member {
	consumer, err := sarama.NewConsumerGroup([]string{address}, group, s.config())
	check.Must(err, "NewConsumerGroup")
	loop, stop := context.WithCancel(ctx)
	m := &member{consumer, arrived, limit, make(chan int, 100), stop, make(chan struct{})}
	go func() {
		defer close(m.ended)
		for loop.Err() == nil {
			if err := consumer.Consume(loop, []string{topic}, m); err != nil {
				fmt.Printf("# Consume: %v\n", err)
				return
			}
		}
	}()
	return m
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	count := 0
	for _, claimed := range session.Claims() {
		count += len(claimed)
	}
	m.assigned <- count
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for seen := 0; m.limit == 0 || seen < m.limit; seen++ {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			session.MarkMessage(message, "")
			if claim.HighWaterMarkOffset() == message.Offset+1 {
				session.Commit()
			}
			m.arrived <- message
		case <-session.Context().Done():
			return nil
		}
	}
	<-session.Context().Done()
	return nil
}

func (m *member) close() {
	m.stop()
	<-m.ended
	check.Must(m.group.Close(), "close the group")
}

func collect(arrived chan *sarama.ConsumerMessage, count int) []check.Record {
	timeout := time.After(check.Deadline)
	var got []check.Record
	for len(got) < count {
		select {
		case message := <-arrived:
			got = append(got, fromMessage(message))
		case <-timeout:
			check.Fail("only %d of %d messages came", len(got), count)
		}
	}
	return got
}

func (s side) groupResume() {
	topic := s.create("resume", partitions)
	records := check.Make("resume", 100, partitions)
	s.produce(topic, records, sarama.CompressionLZ4, sarama.WaitForAll)
	arrived := make(chan *sarama.ConsumerMessage, 2*len(records))
	var got []check.Record
	for _, limit := range []int{10, 15} { // of each partition
		one := s.join(topic, topic, arrived, limit)
		got = append(got, collect(arrived, limit*partitions)...)
		one.close()
	}
	check.Same(got, records)
}

// awaitAssignment waits until each member was given so many partitions last.
func awaitAssignment(want map[*member]int) {
	last := map[*member]int{}
	check.Until("the partitions are shared as expected", func() bool {
		all := true
		for one, count := range want {
			for drained := false; !drained; {
				select {
				case last[one] = <-one.assigned:
				default:
					drained = true
				}
			}
			all = all && last[one] == count
		}
		return all
	})
}

func (s side) groupShare() {
	topic := s.create("share", partitions)
	records := check.Make("share", 200, partitions)
	arrived := make(chan *sarama.ConsumerMessage, 2*len(records))
	first := s.join(topic, topic, arrived, 0)
	defer first.close()
	awaitAssignment(map[*member]int{first: 4})
	second := s.join(topic, topic, arrived, 0)
	awaitAssignment(map[*member]int{first: 2, second: 2})
	s.produce(topic, records[:100], sarama.CompressionNone, sarama.WaitForAll)
	got := collect(arrived, 100)
	check.Same(got, records[:100])
	second.close()
	awaitAssignment(map[*member]int{first: 4})
	s.produce(topic, records[100:], sarama.CompressionNone, sarama.WaitForAll)
	check.Same(append(got, collect(arrived, 100)...), records)
}

func (s side) groups() {
	group := s.topic("resume")
	admin := s.admin()
	defer admin.Close()
	listed, err := admin.ListConsumerGroups()
	check.Must(err, "ListConsumerGroups")
	check.Equal(listed[group], "consumer", "protocol type of the group")
	described, err := admin.DescribeConsumerGroups([]string{group})
	check.Must(err, "DescribeConsumerGroups")
	check.Equal(described[0].State, "Empty", "state")
	offsets, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{group: {0, 1, 2, 3}})
	check.Must(err, "ListConsumerGroupOffsets")
	for p := range partitions {
		check.Equal(offsets.GetBlock(group, int32(p)).Offset, 25, "committed offset")
	}
	check.Must(admin.DeleteConsumerGroup(group), "DeleteConsumerGroup")
	listed, err = admin.ListConsumerGroups()
	check.Must(err, "ListConsumerGroups")
	_, there := listed[group]
	check.Require(!there, "the group is still listed")
}
