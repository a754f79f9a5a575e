// twmb/franz-go: every call of kadm's client, but for share groups, one after the other.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"milena/compat/tell"
)

const topic, group = "t", "g"

var (
	ctx, cancelAll = context.WithTimeout(context.Background(), 150*time.Second)
	client         *kgo.Client
	admin          *kadm.Client
	beginMs        = time.Now().Add(-30 * time.Minute).Truncate(time.Second).UnixMilli()
)

func main() {
	defer cancelAll()
	var err error
	client, err = kgo.NewClient(kgo.SeedBrokers(os.Args[1]), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(10*time.Millisecond),
		kgo.RequestRetries(3), kgo.RetryTimeout(5*time.Second))
	must(err)
	admin = kadm.NewClient(client)
	topics()
	produce()
	cluster()
	configs()
	offsets()
	groups()
	partitions()
	transactions()
	security()
	tell.Call("DeleteTopics", func() (any, error) { return admin.DeleteTopics(ctx, topic, "nowhere") })
	tell.Call("DeleteTopic: nowhere", func() (any, error) { return admin.DeleteTopic(ctx, "nowhere") })
	admin.Close()
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func text(value string) *string { return &value }

func topics() {
	config := map[string]*string{"retention.ms": text("3600000")}
	tell.Call("CreateTopics", func() (any, error) { return admin.CreateTopics(ctx, 2, 1, config, topic, "a/b") })
	tell.Call("CreateTopic: there", func() (any, error) { return admin.CreateTopic(ctx, 2, 1, nil, topic) })
	tell.Call("CreateTopics: factor 3", func() (any, error) { return admin.CreateTopics(ctx, 1, 3, nil, "f") })
	tell.Call("CreateTopics: config", func() (any, error) {
		return admin.CreateTopics(ctx, 1, 1, map[string]*string{"no.such": text("1")}, "c")
	})
	tell.Call("ValidateCreateTopics", func() (any, error) { return admin.ValidateCreateTopics(ctx, -1, -1, nil, "v", "..") })
	tell.Call("CreatePartitions", func() (any, error) { return admin.CreatePartitions(ctx, 1, topic, "nowhere") })
	tell.Call("UpdatePartitions: fewer", func() (any, error) { return admin.UpdatePartitions(ctx, 1, topic) })
	tell.Call("UpdatePartitions", func() (any, error) { return admin.UpdatePartitions(ctx, 4, topic) })
	// Kafka answers before the partitions are led. The client's own memory of metadata is older still.
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ends, err := admin.ListEndOffsets(ctx, topic); err == nil && ends.Error() == nil && len(ends[topic]) == 4 {
			break
		}
	}
	tell.Call("ValidateCreatePartitions", func() (any, error) { return admin.ValidateCreatePartitions(ctx, 2, topic) })
	tell.Call("ValidateUpdatePartitions", func() (any, error) { return admin.ValidateUpdatePartitions(ctx, 2, topic) })
	tell.Call("ListTopics", func() (any, error) { return admin.ListTopics(ctx) })
	// A client answers from what it remembers, topics that are nowhere included: one that has asked nothing yet.
	fresh, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]))
	must(err)
	tell.Call("ListTopicsWithInternal", func() (any, error) { return kadm.NewClient(fresh).ListTopicsWithInternal(ctx) })
	fresh.Close()
	tell.Call("Metadata", func() (any, error) { return admin.Metadata(ctx, topic) })
	tell.Call("ListTopics: nowhere", func() (any, error) { return admin.ListTopics(ctx, "nowhere") })
}

func produce() {
	for number := int64(0); number < 10; number++ {
		record := &kgo.Record{Topic: topic, Partition: int32(number % 2), Key: []byte("key"), Value: []byte("value"),
			Timestamp: time.UnixMilli(beginMs + number)}
		must(client.ProduceSync(ctx, record).FirstErr())
	}
}

func cluster() {
	tell.Call("BrokerMetadata", func() (any, error) { return admin.BrokerMetadata(ctx) })
	tell.Call("ListBrokers", func() (any, error) { return admin.ListBrokers(ctx) })
	tell.Call("ApiVersions", func() (any, error) {
		versions, err := admin.ApiVersions(ctx)
		made := map[string]string{}
		versions.Each(func(broker kadm.BrokerApiVersions) {
			broker.EachKeySorted(func(key, _, newest int16) { made[fmt.Sprintf("%02d", key)] = strconv.Itoa(int(newest)) })
		})
		return made, err
	})
	update := func(name string, level int16) kadm.FeatureUpdate {
		return kadm.FeatureUpdate{Feature: name, MaxVersionLevel: level, UpgradeType: 1}
	}
	tell.Call("UpdateFeatures: validated", func() (any, error) { return admin.UpdateFeatures(ctx, true, update("group.version", 1)) })
	tell.Call("UpdateFeatures: unknown", func() (any, error) { return admin.UpdateFeatures(ctx, false, update("no.such", 1)) })
	tell.Call("UpdateFeatures: too high", func() (any, error) { return admin.UpdateFeatures(ctx, false, update("group.version", 99)) })
	one := kadm.TopicsSet{}
	one.Add(topic, 0, 1)
	tell.Call("DescribeAllLogDirs", func() (any, error) { return admin.DescribeAllLogDirs(ctx, one) })
	tell.Call("DescribeBrokerLogDirs", func() (any, error) { return admin.DescribeBrokerLogDirs(ctx, 1, nil) })
	move := kadm.AlterReplicaLogDirsReq{"/no/such/place": one}
	tell.Call("AlterAllReplicaLogDirs", func() (any, error) { return admin.AlterAllReplicaLogDirs(ctx, move) })
	tell.Call("AlterBrokerReplicaLogDirs", func() (any, error) { return admin.AlterBrokerReplicaLogDirs(ctx, 1, move) })
	tell.Call("ListConfigResources", func() (any, error) { return admin.ListConfigResources(ctx) })
}

func configs() {
	shows := func(key, value string, described func() (kadm.ResourceConfigs, error)) {
		tell.Until("the broker has "+key+"="+value, func() bool {
			found, err := described()
			if err != nil {
				return false
			}
			for _, config := range found[0].Configs {
				if config.Key == key && config.Value != nil && *config.Value == value {
					return true
				}
			}
			return false
		})
	}
	ofTopic := func() (kadm.ResourceConfigs, error) { return admin.DescribeTopicConfigs(ctx, topic) }
	ofBroker := func() (kadm.ResourceConfigs, error) { return admin.DescribeBrokerConfigs(ctx, 1) }
	describe := func(name string) {
		tell.Call(name, func() (any, error) { return admin.DescribeTopicConfigs(ctx, topic) })
	}
	set := func(key, value string) kadm.AlterConfig {
		return kadm.AlterConfig{Op: kadm.SetConfig, Name: key, Value: text(value)}
	}
	describe("DescribeTopicConfigs")
	tell.Call("DescribeTopicConfigs: nowhere", func() (any, error) { return admin.DescribeTopicConfigs(ctx, "nowhere") })
	tell.Call("DescribeBrokerConfigs", func() (any, error) { return admin.DescribeBrokerConfigs(ctx, 1) })
	tell.Call("DescribeBrokerConfigs: defaults", func() (any, error) { return admin.DescribeBrokerConfigs(ctx) })
	tell.Call("AlterTopicConfigs", func() (any, error) {
		return admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{set("segment.ms", "100000"), {Op: kadm.AppendConfig, Name: "cleanup.policy", Value: text("compact")}}, topic)
	})
	tell.Call("AlterTopicConfigs: wrong", func() (any, error) {
		return admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{set("segment.ms", "x")}, topic, "nowhere")
	})
	tell.Call("AlterTopicConfigs: subtract and delete", func() (any, error) {
		return admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.DeleteConfig, Name: "segment.ms"}, {Op: kadm.SubtractConfig, Name: "cleanup.policy", Value: text("compact")}}, topic)
	})
	shows("cleanup.policy", "delete", ofTopic)
	describe("DescribeTopicConfigs again")
	tell.Call("AlterTopicConfigsState", func() (any, error) {
		return admin.AlterTopicConfigsState(ctx, []kadm.AlterConfig{set("flush.ms", "1000")}, topic)
	})
	shows("flush.ms", "1000", ofTopic)
	describe("DescribeTopicConfigs, whole")
	tell.Call("ValidateAlterTopicConfigs", func() (any, error) {
		return admin.ValidateAlterTopicConfigs(ctx, []kadm.AlterConfig{set("flush.ms", "2000")}, topic)
	})
	tell.Call("ValidateAlterTopicConfigsState", func() (any, error) {
		return admin.ValidateAlterTopicConfigsState(ctx, []kadm.AlterConfig{set("flush.ms", "2000")}, topic)
	})
	tell.Call("AlterBrokerConfigs", func() (any, error) {
		return admin.AlterBrokerConfigs(ctx, []kadm.AlterConfig{set("log.retention.ms", "7200000")}, 1)
	})
	tell.Call("AlterBrokerConfigs: defaults", func() (any, error) {
		return admin.AlterBrokerConfigs(ctx, []kadm.AlterConfig{set("log.retention.ms", "3600000")})
	})
	tell.Call("AlterBrokerConfigs: wrong", func() (any, error) { return admin.AlterBrokerConfigs(ctx, []kadm.AlterConfig{set("node.id", "7")}, 1) })
	tell.Call("ValidateAlterBrokerConfigs", func() (any, error) {
		return admin.ValidateAlterBrokerConfigs(ctx, []kadm.AlterConfig{set("num.io.threads", "0")})
	})
	tell.Call("ValidateAlterBrokerConfigsState", func() (any, error) {
		return admin.ValidateAlterBrokerConfigsState(ctx, []kadm.AlterConfig{set("num.io.threads", "9")})
	})
	tell.Call("AlterBrokerConfigsState", func() (any, error) {
		return admin.AlterBrokerConfigsState(ctx, []kadm.AlterConfig{set("log.retention.ms", "5000000")}, 1)
	})
	shows("log.retention.ms", "5000000", ofBroker)
	tell.Call("DescribeBrokerConfigs again", func() (any, error) { return admin.DescribeBrokerConfigs(ctx, 1) })
}

func offsets() {
	tell.Call("ListStartOffsets", func() (any, error) { return admin.ListStartOffsets(ctx, topic) })
	tell.Call("ListEndOffsets", func() (any, error) { return admin.ListEndOffsets(ctx, topic) })
	tell.Call("ListCommittedOffsets", func() (any, error) { return admin.ListCommittedOffsets(ctx, topic) })
	tell.Call("ListMaxTimestampOffsets", func() (any, error) { return admin.ListMaxTimestampOffsets(ctx, topic) })
	tell.Call("ListLocalLogStartOffsets", func() (any, error) { return admin.ListLocalLogStartOffsets(ctx, topic) })
	tell.Call("ListLatestRemoteOffsets", func() (any, error) { return admin.ListLatestRemoteOffsets(ctx, topic) })
	tell.Call("ListOffsetsAfterMilli", func() (any, error) { return admin.ListOffsetsAfterMilli(ctx, beginMs+3, topic) })
	tell.Call("ListEndOffsets: nowhere", func() (any, error) { return admin.ListEndOffsets(ctx, "nowhere") })
	epochs := kadm.OffsetForLeaderEpochRequest{}
	epochs.Add(topic, 0, 0)
	epochs.Add(topic, 1, 9)
	tell.Call("OffsetForLeaderEpoch", func() (any, error) { return admin.OffsetForLeaderEpoch(ctx, epochs) })
	before := kadm.Offsets{}
	before.AddOffset(topic, 0, 3, -1)
	before.AddOffset(topic, 1, -1, -1)
	before.AddOffset(topic, 2, 500, -1)
	tell.Call("DeleteRecords", func() (any, error) { return admin.DeleteRecords(ctx, before) })
	tell.Call("ListStartOffsets again", func() (any, error) { return admin.ListStartOffsets(ctx, topic) })
}

func groups() {
	kept := kadm.Offsets{}
	kept.AddOffset(topic, 0, 4, -1)
	kept.AddOffset(topic, 1, 2, -1)
	tell.Call("CommitOffsets", func() (any, error) { return admin.CommitOffsets(ctx, group, kept) })
	tell.Done("CommitAllOffsets", func() error { return admin.CommitAllOffsets(ctx, group, kept) })
	byID := kadm.OffsetsByID{}
	described, err := admin.ListTopics(ctx, topic)
	must(err)
	byID.Add(kadm.Offset{TopicID: described[topic].ID, Topic: topic, Partition: 0, At: 4, LeaderEpoch: -1})
	tell.Call("CommitOffsetsByID", func() (any, error) {
		answers, err := admin.CommitOffsetsByID(ctx, group, byID)
		return answers[described[topic].ID], err
	})
	tell.Done("CommitAllOffsetsByID", func() error { return admin.CommitAllOffsetsByID(ctx, group, byID) })
	nowhere := kadm.Offsets{}
	nowhere.AddOffset("nowhere", 0, 4, -1)
	tell.Call("CommitOffsets: nowhere", func() (any, error) { return admin.CommitOffsets(ctx, group, nowhere) })
	tell.Call("FetchOffsets", func() (any, error) { return admin.FetchOffsets(ctx, group) })
	tell.Call("FetchOffsetsByID", func() (any, error) { return admin.FetchOffsetsByID(ctx, group) })
	tell.Call("FetchOffsetsForTopics", func() (any, error) { return admin.FetchOffsetsForTopics(ctx, group, topic) })
	tell.Call("FetchManyOffsets", func() (any, error) { return admin.FetchManyOffsets(ctx, group, "nobody"), nil })
	tell.Call("FindGroupCoordinators", func() (any, error) { return admin.FindGroupCoordinators(ctx, group, "nobody"), nil })
	tell.Call("ListGroups", func() (any, error) { return admin.ListGroups(ctx) })
	tell.Call("ListGroups: Stable", func() (any, error) { return admin.ListGroups(ctx, "Stable") })
	tell.Call("ListGroupsByType", func() (any, error) { return admin.ListGroupsByType(ctx, []string{"classic"}) })
	tell.Call("DescribeGroups", func() (any, error) { return admin.DescribeGroups(ctx, group, "nobody") })
	tell.Call("DescribeConsumerGroups", func() (any, error) { return admin.DescribeConsumerGroups(ctx, group, "nobody") })
	tell.Call("Lag", func() (any, error) { return admin.Lag(ctx, group) })
	tell.Call("LeaveGroup", func() (any, error) { return admin.LeaveGroup(ctx, kadm.LeaveGroup(group).InstanceIDs("m")) })
	gone := kadm.TopicsSet{}
	gone.Add(topic, 0)
	gone.Add("nowhere", 0)
	tell.Call("DeleteOffsets", func() (any, error) { return admin.DeleteOffsets(ctx, group, gone) })
	tell.Call("DeleteGroups", func() (any, error) { return admin.DeleteGroups(ctx, group, "nobody") })
	tell.Call("DeleteGroup: nobody", func() (any, error) { return admin.DeleteGroup(ctx, "nobody") })
}

func partitions() {
	some := kadm.TopicsSet{}
	some.Add(topic, 0, 9)
	some.Add("nowhere", 0)
	tell.Call("ElectLeaders", func() (any, error) { return admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, some) })
	tell.Call("ElectLeaders: unclean", func() (any, error) { return admin.ElectLeaders(ctx, kadm.ElectLiveReplica, some) })
	tell.Call("ElectLeaders: all", func() (any, error) { return admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, nil) })
	move := kadm.AlterPartitionAssignmentsReq{}
	move.Assign(topic, 0, []int32{1})
	move.Assign(topic, 1, []int32{9})
	move.CancelAssign(topic, 2)
	move.Assign("nowhere", 0, []int32{1})
	tell.Call("AlterPartitionAssignments", func() (any, error) { return admin.AlterPartitionAssignments(ctx, move) })
	tell.Call("ListPartitionReassignments", func() (any, error) { return admin.ListPartitionReassignments(ctx, some) })
}

func transactions() {
	some := kadm.TopicsSet{}
	some.Add(topic, 0)
	tell.Call("FindTxnCoordinators", func() (any, error) { return admin.FindTxnCoordinators(ctx, "x"), nil })
	tell.Call("ListTransactions", func() (any, error) { return admin.ListTransactions(ctx, nil, nil) })
	tell.Call("ListTransactions: states", func() (any, error) { return admin.ListTransactions(ctx, []int64{5}, []string{"Ongoing"}) })
	tell.Call("ListTransactionsByTxPattern", func() (any, error) { return admin.ListTransactionsByTxPattern(ctx, nil, nil, "x.*") })
	tell.Call("DescribeTransactions", func() (any, error) { return admin.DescribeTransactions(ctx, "x") })
	tell.Call("DescribeProducers", func() (any, error) { return admin.DescribeProducers(ctx, some) })
	tell.Call("WriteTxnMarkers", func() (any, error) {
		return admin.WriteTxnMarkers(ctx, kadm.TxnMarkers{ProducerID: 5, Topics: some})
	})
}

func security() {
	entity := func(kind, name string) kadm.ClientQuotaEntity {
		return kadm.ClientQuotaEntity{{Type: kind, Name: text(name)}}
	}
	quota := func(kind, name, key string, value float64) []kadm.AlterClientQuotaEntry {
		return []kadm.AlterClientQuotaEntry{{Entity: entity(kind, name), Ops: []kadm.AlterClientQuotaOp{{Key: key, Value: value}}}}
	}
	tell.Call("AlterClientQuotas", func() (any, error) {
		return admin.AlterClientQuotas(ctx, quota("user", "bob", "producer_byte_rate", 1e6))
	})
	tell.Call("AlterClientQuotas: wrong", func() (any, error) { return admin.AlterClientQuotas(ctx, quota("user", "bob", "no_such", 1)) })
	tell.Call("ValidateAlterClientQuotas", func() (any, error) {
		return admin.ValidateAlterClientQuotas(ctx, quota("client-id", "app", "consumer_byte_rate", 5))
	})
	quotas := func() (kadm.DescribedClientQuotas, error) {
		return admin.DescribeClientQuotas(ctx, false, []kadm.DescribeClientQuotaComponent{{Type: "user", MatchType: kmsg.QuotasMatchTypeAny}})
	}
	tell.Until("the broker has the quota", func() bool {
		found, err := quotas()
		return err == nil && len(found) > 0
	})
	tell.Call("DescribeClientQuotas", func() (any, error) { return quotas() })
	every := kadm.NewACLs().Topics().Groups().Clusters().TransactionalIDs().DelegationTokens().Operations().Allow().AllowHosts().Deny().DenyHosts()
	one := kadm.NewACLs().Topics(topic).ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpRead).Allow("User:bob").AllowHosts("*")
	tell.Call("CreateACLs", func() (any, error) { return admin.CreateACLs(ctx, one) })
	tell.Call("DescribeACLs", func() (any, error) { return admin.DescribeACLs(ctx, every) })
	tell.Call("DeleteACLs", func() (any, error) { return admin.DeleteACLs(ctx, one) })
	tell.Call("CreateDelegationToken", func() (any, error) {
		return admin.CreateDelegationToken(ctx, kadm.CreateDelegationToken{MaxLifetime: time.Hour})
	})
	tell.Call("RenewDelegationToken", func() (any, error) { return admin.RenewDelegationToken(ctx, []byte("abc"), time.Hour) })
	tell.Call("ExpireDelegationToken", func() (any, error) { return admin.ExpireDelegationToken(ctx, []byte("abc"), time.Hour) })
	tell.Call("DescribeDelegationTokens", func() (any, error) { return admin.DescribeDelegationTokens(ctx) })
	upsert := func(iterations int32) []kadm.UpsertSCRAM {
		return []kadm.UpsertSCRAM{{User: "bob", Mechanism: kadm.ScramSha256, Iterations: iterations, Password: "secret"}}
	}
	tell.Call("AlterUserSCRAMs", func() (any, error) { return admin.AlterUserSCRAMs(ctx, nil, upsert(4096)) })
	tell.Call("AlterUserSCRAMs: few iterations", func() (any, error) { return admin.AlterUserSCRAMs(ctx, nil, upsert(5)) })
	tell.Until("the broker has the credential", func() bool {
		found, err := admin.DescribeUserSCRAMs(ctx)
		return err == nil && len(found) > 0
	})
	tell.Call("DescribeUserSCRAMs", func() (any, error) { return admin.DescribeUserSCRAMs(ctx) })
	tell.Call("DescribeUserSCRAMs: nobody", func() (any, error) { return admin.DescribeUserSCRAMs(ctx, "bob", "nobody") })
	tell.Call("AlterUserSCRAMs: deletion", func() (any, error) {
		return admin.AlterUserSCRAMs(ctx, []kadm.DeleteSCRAM{{User: "bob", Mechanism: kadm.ScramSha256}, {User: "nobody", Mechanism: kadm.ScramSha512}}, nil)
	})
}
