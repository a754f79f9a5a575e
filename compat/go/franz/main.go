// twmb/franz-go: kgo producers and consumers, kadm.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"milena/compat/check"
	login "milena/compat/security/franz"
)

const partitions = 4

var (
	address, prefix string
	ctx, cancelAll  = context.WithTimeout(context.Background(), 200*time.Second)
	admin           *kadm.Client
)

func main() {
	defer cancelAll()
	address, prefix = check.Arguments()
	admin = kadm.NewClient(client())
	defer admin.Close()
	check.Run("kadm: cluster and versions", cluster)
	check.Run("kadm: create, list, configs, partitions, delete", topics)
	check.Run("kgo: topic created by use, produce and consume as in the client's first example", autoCreate)
	for _, codec := range []struct {
		name  string
		codec kgo.CompressionCodec
	}{{"none", kgo.NoCompression()}, {"gzip", kgo.GzipCompression()}, {"snappy", kgo.SnappyCompression()}, {"lz4", kgo.Lz4Compression()}, {"zstd", kgo.ZstdCompression()}} {
		for _, acks := range []string{"0", "1", "all", "idempotent"} {
			check.Run(fmt.Sprintf("kgo: codec %s, acks %s", codec.name, acks), func() { codecs(codec.name+"-"+acks, codec.codec, acks) })
		}
	}
	check.Run("kgo: consume from offsets and from a time", offsets)
	check.Run("kgo: 10,000 records pipelined, idempotent", stream)
	check.Run("kgo group: a second run goes on where the first committed", groupResume)
	for _, balancer := range []struct {
		name     string
		balancer kgo.GroupBalancer
	}{{"cooperative sticky", kgo.CooperativeStickyBalancer()}, {"range", kgo.RangeBalancer()}} {
		check.Run("kgo group: two share the partitions, one leaves: "+balancer.name, func() { groupShare(balancer.name, balancer.balancer) })
	}
	check.Run("kadm: groups, lag, offsets, delete", groups)
	check.Run("kadm: start, end, timestamp offsets, delete records", records)
	check.Exit()
}

func client(options ...kgo.Opt) *kgo.Client {
	options = append([]kgo.Opt{kgo.SeedBrokers(address), kgo.MetadataMinAge(100 * time.Millisecond)}, options...)
	result, err := kgo.NewClient(login.With(options...)...)
	check.Must(err, "NewClient")
	return result
}

func topicWith(suffix string, count int) string {
	topic := prefix + "-" + strings.ReplaceAll(suffix, " ", "-")
	_, err := admin.CreateTopic(ctx, int32(count), 1, nil, topic)
	check.Must(err, "CreateTopic")
	if check.SlowCreate {
		check.Until("the partitions of "+topic+" answer", func() bool {
			ends, err := admin.ListEndOffsets(ctx, topic)
			return err == nil && ends.Error() == nil && len(ends[topic]) == count
		})
	}
	return topic
}

func cluster() {
	metadata, err := admin.BrokerMetadata(ctx)
	check.Must(err, "BrokerMetadata")
	check.Equal(len(metadata.Brokers), 1, "number of brokers")
	check.Equal(metadata.Controller, metadata.Brokers[0].NodeID, "controller")
	check.Equal(len(metadata.Cluster), 22, "length of the cluster id")
	versions, err := admin.ApiVersions(ctx)
	check.Must(err, "ApiVersions")
	guess := ""
	versions.Each(func(one kadm.BrokerApiVersions) {
		check.Must(one.Err, "ApiVersions of the broker")
		guess = one.VersionGuess()
	})
	fmt.Println("# kadm takes the broker for " + guess)
}

func topics() {
	topic := topicWith("admin", 2)
	details, err := admin.ListTopics(ctx)
	check.Must(err, "ListTopics")
	check.Require(details.Has(topic), "the topic is not listed")
	check.Equal(len(details[topic].Partitions), 2, "number of partitions")
	check.Require(details[topic].ID != kadm.TopicID{}, "the topic has no id")
	for _, partition := range details[topic].Partitions {
		check.Must(partition.Err, "partition")
		check.Require(partition.Leader >= 0, "partition %d has no leader", partition.Partition)
	}
	_, err = admin.CreateTopic(ctx, 1, 1, nil, topic)
	check.Require(errors.Is(err, kerr.TopicAlreadyExists), "creating again gave %v", err)
	_, err = admin.CreateTopic(ctx, 1, 3, nil, topic+"-three")
	check.Require(errors.Is(err, kerr.InvalidReplicationFactor), "three replicas gave %v", err)
	configs, err := admin.DescribeTopicConfigs(ctx, topic)
	check.Must(err, "DescribeTopicConfigs")
	config, err := configs.On(topic, nil)
	check.Must(err, "configs of the topic")
	found := ""
	for _, one := range config.Configs {
		if one.Key == "cleanup.policy" {
			found = one.MaybeValue()
		}
	}
	check.Equal(found, "delete", "cleanup.policy")
	grown, err := admin.UpdatePartitions(ctx, 5, topic)
	check.Must(err, "UpdatePartitions")
	check.Must(grown.Error(), "UpdatePartitions")
	check.Until("five partitions", func() bool {
		details, err := admin.ListTopics(ctx, topic)
		check.Must(err, "ListTopics")
		return len(details[topic].Partitions) == 5
	})
	_, err = admin.DeleteTopic(ctx, topic)
	check.Must(err, "DeleteTopic")
	check.Until("the topic is gone", func() bool {
		details, err := admin.ListTopics(ctx)
		check.Must(err, "ListTopics")
		return !details.Has(topic)
	})
}

func toRecord(topic string, record check.Record) *kgo.Record {
	result := &kgo.Record{Topic: topic, Partition: int32(record.Partition), Key: record.Key, Value: record.Value, Timestamp: record.Time()}
	for _, header := range record.Headers {
		result.Headers = append(result.Headers, kgo.RecordHeader{Key: header.Key, Value: header.Value})
	}
	return result
}

func fromRecord(record *kgo.Record) check.Record {
	result := check.Record{Partition: int(record.Partition), TimestampMs: record.Timestamp.UnixMilli(), Key: record.Key, Value: record.Value}
	for _, header := range record.Headers {
		result.Headers = append(result.Headers, check.Header{Key: header.Key, Value: header.Value})
	}
	return result
}

func produce(topic string, list []check.Record, options ...kgo.Opt) []*kgo.Record {
	producer := client(append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	defer producer.Close()
	sent := make([]*kgo.Record, 0, len(list))
	for _, record := range list {
		sent = append(sent, toRecord(topic, record))
	}
	check.Must(producer.ProduceSync(ctx, sent...).FirstErr(), "ProduceSync")
	return sent
}

// poll reads until the count is there.
func poll(consumer *kgo.Client, count int) []*kgo.Record {
	limited, cancel := context.WithTimeout(ctx, check.Deadline)
	defer cancel()
	var got []*kgo.Record
	for len(got) < count {
		fetches := consumer.PollRecords(limited, count-len(got))
		fetches.EachError(func(topic string, partition int32, err error) {
			check.Fail("after %d of %d records, fetch of %s %d: %v", len(got), count, topic, partition, err)
		})
		got = append(got, fetches.Records()...)
	}
	return got
}

func plain(list []*kgo.Record) []check.Record {
	result := make([]check.Record, 0, len(list))
	for _, record := range list {
		result = append(result, fromRecord(record))
	}
	return result
}

func readAll(topic string, count int) []check.Record {
	consumer := client(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer consumer.Close()
	got := poll(consumer, count)
	next := map[int32]int64{}
	for _, record := range got {
		check.Equal(record.Offset, next[record.Partition], "offset")
		next[record.Partition]++
	}
	return plain(got)
}

func autoCreate() {
	topic := prefix + "-auto"
	both := client(kgo.ConsumerGroup(prefix+"-auto-group"), kgo.ConsumeTopics(topic), kgo.AllowAutoTopicCreation(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer both.Close()
	done := make(chan error, 1)
	both.Produce(ctx, &kgo.Record{Topic: topic, Value: []byte("bar")}, func(_ *kgo.Record, err error) { done <- err })
	check.Must(<-done, "Produce")
	check.Must(both.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("baz")}).FirstErr(), "ProduceSync")
	got := poll(both, 2)
	check.Equal(string(got[0].Value)+" "+string(got[1].Value), "bar baz", "values")
}

func codecs(label string, codec kgo.CompressionCodec, acks string) {
	topic := topicWith(label, partitions)
	list := check.Make(label, 80, partitions)
	options := []kgo.Opt{kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(5 * time.Millisecond)}
	switch acks {
	case "0":
		options = append(options, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	case "1":
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "all":
		options = append(options, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite())
	}
	sent := produce(topic, list, options...)
	if acks != "0" {
		for i, record := range sent {
			check.Equal(record.Offset, int64(i/partitions), "offset answered")
		}
	}
	check.Same(readAll(topic, len(list)), list)
}

func offsets() {
	topic := topicWith("offsets", 1)
	list := check.Make("offsets", 50, 1)
	produce(topic, list)
	for _, one := range []struct {
		from  kgo.Offset
		first int64
	}{
		{kgo.NewOffset().AtStart(), 0}, {kgo.NewOffset().At(17), 17}, {kgo.NewOffset().AtEnd().Relative(-3), 47},
		{kgo.NewOffset().AfterMilli(check.FirstTimestampMs + 29_500), 30},
	} {
		consumer := client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: one.from}}))
		got := poll(consumer, 50-int(one.first))
		consumer.Close()
		check.Equal(got[0].Offset, one.first, "first offset from "+one.from.String())
		check.Same(plain(got), list[one.first:])
	}
}

func stream() {
	topic := topicWith("stream", partitions)
	list := check.Make("stream", 10_000, partitions)
	sent := produce(topic, list, kgo.ProducerBatchMaxBytes(8000))
	for i, record := range sent {
		check.Equal(record.Offset, int64(i/partitions), "offset answered")
	}
	check.Same(readAll(topic, len(list)), list)
}

func member(group, topic string, options ...kgo.Opt) *kgo.Client {
	return client(append(options, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.HeartbeatInterval(200*time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
}

func groupResume() {
	topic, group := topicWith("resume", partitions), prefix+"-resume"
	list := check.Make("resume", 100, partitions)
	produce(topic, list)
	var got []check.Record
	for _, count := range []int{40, 60} {
		consumer := member(group, topic)
		part := poll(consumer, count)
		check.Must(consumer.CommitRecords(ctx, part...), "CommitRecords")
		consumer.Close()
		got = append(got, plain(part)...)
	}
	check.Same(got, list)
}

// collector polls one member in a goroutine of its own and commits what it read before a rebalance takes it away.
type collector struct {
	client  *kgo.Client
	stopped chan struct{}
}

func collect(group, topic string, balancer kgo.GroupBalancer, into chan<- *kgo.Record) *collector {
	result := &collector{member(group, topic, kgo.Balancers(balancer), kgo.BlockRebalanceOnPoll()), make(chan struct{})}
	go func() {
		defer close(result.stopped)
		for {
			fetches := result.client.PollFetches(ctx)
			if fetches.IsClientClosed() || ctx.Err() != nil {
				return
			}
			fetches.EachRecord(func(record *kgo.Record) { into <- record })
			if err := result.client.CommitUncommittedOffsets(ctx); err != nil {
				fmt.Println("# commit: " + err.Error())
			}
			result.client.AllowRebalance()
		}
	}()
	return result
}

func (c *collector) close() {
	c.client.CloseAllowingRebalance()
	<-c.stopped
}

func groupShare(name string, balancer kgo.GroupBalancer) {
	topic := topicWith("share-"+name, partitions)
	group := topic
	list := check.Make("share", 200, partitions)
	arrived := make(chan *kgo.Record, 2*len(list))
	first := collect(group, topic, balancer, arrived)
	defer first.close()
	second := collect(group, topic, balancer, arrived)
	waitForAssignment(group, 2, 2)
	produce(topic, list[:100])
	got := receive(arrived, 100)
	check.Same(got, list[:100])
	second.close()
	waitForAssignment(group, 4)
	produce(topic, list[100:])
	check.Same(append(got, receive(arrived, 100)...), list)
}

func waitForAssignment(group string, want ...int) {
	check.Until(fmt.Sprintf("members of %s with %v partitions", group, want), func() bool {
		described, err := admin.DescribeGroups(ctx, group)
		check.Must(err, "DescribeGroups")
		counts := []int{}
		for _, member := range described[group].Members {
			assigned, ok := member.Assigned.AsConsumer()
			if !ok {
				return false
			}
			for _, topic := range assigned.Topics {
				counts = append(counts, len(topic.Partitions))
			}
		}
		return described[group].State == "Stable" && fmt.Sprint(counts) == fmt.Sprint(want)
	})
}

func receive(arrived <-chan *kgo.Record, count int) []check.Record {
	timeout := time.After(check.Deadline)
	var got []check.Record
	for len(got) < count {
		select {
		case record := <-arrived:
			got = append(got, fromRecord(record))
		case <-timeout:
			check.Fail("only %d of %d records came", len(got), count)
		}
	}
	return got
}

func groups() {
	topic, group := prefix+"-resume", prefix+"-resume"
	listed, err := admin.ListGroups(ctx)
	check.Must(err, "ListGroups")
	_, there := listed[group]
	check.Require(there, "the group is not listed")
	lags, err := admin.Lag(ctx, group)
	check.Must(err, "Lag")
	check.Must(lags.Error(), "Lag of the group")
	check.Equal(lags[group].Lag.Total(), 0, "lag")
	back := kadm.Offsets{}
	back.AddOffset(topic, 0, 7, -1)
	check.Must(admin.CommitAllOffsets(ctx, group, back), "CommitAllOffsets")
	committed, err := admin.FetchOffsets(ctx, group)
	check.Must(err, "FetchOffsets")
	check.Equal(committed[topic][0].At, 7, "committed offset")
	check.Equal(committed[topic][1].At, 25, "committed offset of the other partition")
	lags, err = admin.Lag(ctx, group)
	check.Must(err, "Lag")
	check.Equal(lags[group].Lag.Total(), 18, "lag after going back")
	_, err = admin.DeleteGroup(ctx, group)
	check.Must(err, "DeleteGroup")
	listed, err = admin.ListGroups(ctx)
	check.Must(err, "ListGroups")
	_, there = listed[group]
	check.Require(!there, "the group is still listed")
}

func records() {
	topic := topicWith("records", 1)
	list := check.Make("records", 30, 1)
	produce(topic, list)
	at := func(what string, found kadm.ListedOffsets, err error) int64 {
		check.Must(err, what)
		check.Must(found.Error(), what)
		return found[topic][0].Offset
	}
	found, err := admin.ListOffsetsAfterMilli(ctx, check.FirstTimestampMs+9_001, topic)
	check.Equal(at("ListOffsetsAfterMilli", found, err), 10, "offset after a time")
	found, err = admin.ListMaxTimestampOffsets(ctx, topic)
	check.Equal(at("ListMaxTimestampOffsets", found, err), 29, "offset of the newest timestamp")
	found, err = admin.ListCommittedOffsets(ctx, topic)
	check.Equal(at("ListCommittedOffsets", found, err), 30, "last stable offset")
	cut := kadm.Offsets{}
	cut.AddOffset(topic, 0, 12, -1)
	deleted, err := admin.DeleteRecords(ctx, cut)
	check.Must(err, "DeleteRecords")
	check.Must(deleted.Error(), "DeleteRecords")
	check.Equal(deleted[topic][0].LowWatermark, 12, "low watermark")
	found, err = admin.ListStartOffsets(ctx, topic)
	check.Equal(at("ListStartOffsets", found, err), 12, "start")
	found, err = admin.ListEndOffsets(ctx, topic)
	check.Equal(at("ListEndOffsets", found, err), 30, "end")
}
