// IBM/sarama: every call of its ClusterAdmin, one after the other.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"milena/compat/tell"
)

const topic, group = "t", "g"

var (
	admin   sarama.ClusterAdmin
	beginMs = time.Now().Add(-30 * time.Minute).Truncate(time.Second)
)

func main() {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Admin.Timeout = 8 * time.Second
	config.Admin.Retry.Max = 1
	config.Metadata.Retry.Max = 2
	config.Metadata.AllowAutoTopicCreation = false
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	client, err := sarama.NewClient([]string{os.Args[1]}, config)
	must(err)
	admin, err = sarama.NewClusterAdminFromClient(client)
	must(err)
	topics()
	waitForLeaders(client)
	produce(client)
	cluster()
	configs()
	groups()
	partitions()
	security()
	tell.Done("DeleteTopic", func() error { return admin.DeleteTopic(topic) })
	tell.Done("DeleteTopic: nowhere", func() error { return admin.DeleteTopic("nowhere") })
	tell.Done("Close", admin.Close)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func text(value string) *string { return &value }

func topics() {
	create := func(name string, detail sarama.TopicDetail, validate bool) func() error {
		return func() error { return admin.CreateTopic(name, &detail, validate) }
	}
	tell.Done("CreateTopic", create(topic, sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: map[string]*string{"retention.ms": text("3600000")}}, false))
	tell.Done("CreateTopic: there", create(topic, sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, false))
	tell.Done("CreateTopic: validated", create("v", sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, true))
	tell.Done("CreateTopic: bad name", create("a/b", sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, false))
	tell.Done("CreateTopic: factor 3", create("f", sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 3}, false))
	tell.Done("CreateTopic: config", create("c", sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: map[string]*string{"no.such": text("1")}}, false))
	tell.Done("CreateTopic: placed", create("placed", sarama.TopicDetail{NumPartitions: -1, ReplicationFactor: -1, ReplicaAssignment: map[int32][]int32{0: {1}}}, false))
	tell.Done("CreatePartitions", func() error { return admin.CreatePartitions(topic, 3, nil, false) })
	tell.Done("CreatePartitions: validated", func() error { return admin.CreatePartitions(topic, 5, nil, true) })
	tell.Done("CreatePartitions: fewer", func() error { return admin.CreatePartitions(topic, 1, nil, false) })
	tell.Done("CreatePartitions: placed", func() error { return admin.CreatePartitions(topic, 4, [][]int32{{9}}, false) })
	tell.Done("CreatePartitions: nowhere", func() error { return admin.CreatePartitions("nowhere", 4, nil, false) })
}

// waitForLeaders: Kafka answers before the partitions are led.
func waitForLeaders(client sarama.Client) {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if client.RefreshMetadata(topic) == nil {
			if _, err := client.GetOffset(topic, 2, sarama.OffsetNewest); err == nil {
				return
			}
		}
	}
}

func produce(client sarama.Client) {
	producer, err := sarama.NewSyncProducerFromClient(client)
	must(err)
	for number := 0; number < 10; number++ {
		_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Partition: int32(number % 2), Key: sarama.StringEncoder("key"),
			Value: sarama.StringEncoder("value"), Timestamp: beginMs.Add(time.Duration(number) * time.Millisecond)})
		must(err)
	}
}

func cluster() {
	tell.Call("DescribeCluster", func() (any, error) {
		brokers, controller, err := admin.DescribeCluster()
		made := map[string]string{"controller": strconv.Itoa(int(controller))}
		for _, broker := range brokers {
			made[strconv.Itoa(int(broker.ID()))] = broker.Addr()
		}
		return made, err
	})
	address := func(broker *sarama.Broker, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(broker.ID(), " ", broker.Addr()), nil
	}
	tell.Call("Controller", func() (any, error) { return address(admin.Controller()) })
	tell.Call("Coordinator", func() (any, error) { return address(admin.Coordinator(group)) })
	tell.Call("DescribeLogDirs", func() (any, error) { return admin.DescribeLogDirs([]int32{1}) })
	update := func(name string, level int16) func() (any, error) {
		return func() (any, error) {
			return admin.UpdateFeatures([]sarama.FeatureUpdate{{Feature: name, MaxVersionLevel: level}})
		}
	}
	tell.Call("UpdateFeatures", update("group.version", 1))
	tell.Call("UpdateFeatures: unknown", update("no.such", 1))
	tell.Call("ListTopics", func() (any, error) { return admin.ListTopics() })
	tell.Call("DescribeTopics", func() (any, error) { return admin.DescribeTopics([]string{topic, "nowhere"}) })
}

func configs() {
	describe := func(kind sarama.ConfigResourceType, name string, keys ...string) func() (any, error) {
		return func() (any, error) {
			return admin.DescribeConfig(sarama.ConfigResource{Type: kind, Name: name, ConfigNames: keys})
		}
	}
	tell.Call("DescribeConfig", describe(sarama.TopicResource, topic))
	tell.Call("DescribeConfig: keys", describe(sarama.TopicResource, topic, "retention.ms", "no.such"))
	tell.Call("DescribeConfig: broker", describe(sarama.BrokerResource, "1", "log.retention.ms", "node.id"))
	tell.Call("DescribeConfig: logger", describe(sarama.BrokerLoggerResource, "1", "no.such"))
	tell.Call("DescribeConfig: nowhere", describe(sarama.TopicResource, "nowhere"))
	tell.Call("DescribeConfigs", func() (any, error) {
		return admin.DescribeConfigs([]*sarama.ConfigResource{{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms"}},
			{Type: sarama.TopicResource, Name: "nowhere"}}, sarama.DescribeConfigsOptions{IncludeSynonyms: true})
	})
	alter := func(key, value string, validate bool) func() error {
		return func() error {
			return admin.AlterConfig(sarama.TopicResource, topic, map[string]*string{key: text(value)}, validate)
		}
	}
	tell.Done("AlterConfig", alter("segment.ms", "100000", false))
	tell.Done("AlterConfig: validated", alter("segment.ms", "200000", true))
	tell.Done("AlterConfig: wrong", alter("segment.ms", "x", false))
	increment := func(kind sarama.ConfigResourceType, name, key, value string, operation sarama.IncrementalAlterConfigsOperation) func() error {
		return func() error {
			return admin.IncrementalAlterConfig(kind, name, map[string]sarama.IncrementalAlterConfigsEntry{key: {Operation: operation, Value: text(value)}}, false)
		}
	}
	tell.Done("IncrementalAlterConfig: set", increment(sarama.TopicResource, topic, "flush.ms", "1000", sarama.IncrementalAlterConfigsOperationSet))
	tell.Done("IncrementalAlterConfig: append", increment(sarama.TopicResource, topic, "cleanup.policy", "compact", sarama.IncrementalAlterConfigsOperationAppend))
	tell.Done("IncrementalAlterConfig: subtract", increment(sarama.TopicResource, topic, "cleanup.policy", "delete", sarama.IncrementalAlterConfigsOperationSubtract))
	tell.Done("IncrementalAlterConfig: delete", increment(sarama.TopicResource, topic, "segment.ms", "", sarama.IncrementalAlterConfigsOperationDelete))
	tell.Done("IncrementalAlterConfig: wrong", increment(sarama.TopicResource, topic, "no.such", "1", sarama.IncrementalAlterConfigsOperationSet))
	tell.Done("IncrementalAlterConfig: broker", increment(sarama.BrokerResource, "1", "log.retention.ms", "7200000", sarama.IncrementalAlterConfigsOperationSet))
	tell.Done("IncrementalAlterConfig: back to delete", increment(sarama.TopicResource, topic, "cleanup.policy", "delete", sarama.IncrementalAlterConfigsOperationSet))
	tell.Until("the broker has the last alteration", func() bool {
		made, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"cleanup.policy"}})
		return err == nil && made[0].Value == "delete" && made[0].Source == sarama.SourceTopic
	})
	tell.Call("DescribeConfig again", describe(sarama.TopicResource, topic))
	tell.Call("DescribeConfig: broker again", describe(sarama.BrokerResource, "1", "log.retention.ms"))
}

func groups() {
	kept := map[string]map[int32]sarama.OffsetAndMetadata{topic: {0: {Offset: 4, LeaderEpoch: -1}, 1: {Offset: 2, Metadata: "note", LeaderEpoch: -1}}}
	tell.Call("AlterConsumerGroupOffsets", func() (any, error) { return admin.AlterConsumerGroupOffsets(group, kept, nil) })
	tell.Call("ListConsumerGroupOffsets", func() (any, error) {
		return admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0, 1, 2}})
	})
	tell.Call("ListConsumerGroupOffsetsBatch", func() (any, error) {
		return admin.ListConsumerGroupOffsetsBatch(map[string]map[string][]int32{group: nil, "nobody": {topic: {0}}})
	})
	tell.Call("ListConsumerGroups", func() (any, error) { return admin.ListConsumerGroups() })
	tell.Call("DescribeConsumerGroups", func() (any, error) { return admin.DescribeConsumerGroups([]string{group, "nobody"}) })
	tell.Call("ListOffsets", func() (any, error) {
		return admin.ListOffsets(map[string]map[int32]int64{topic: {0: sarama.OffsetNewest, 1: sarama.OffsetOldest, 2: beginMs.UnixMilli()}}, nil)
	})
	tell.Call("RemoveMemberFromConsumerGroup", func() (any, error) { return admin.RemoveMemberFromConsumerGroup(group, []string{"m"}) })
	tell.Done("DeleteConsumerGroupOffset", func() error { return admin.DeleteConsumerGroupOffset(group, topic, 1) })
	tell.Done("DeleteConsumerGroupOffset: nowhere", func() error { return admin.DeleteConsumerGroupOffset(group, "nowhere", 1) })
	tell.Done("DeleteConsumerGroup", func() error { return admin.DeleteConsumerGroup(group) })
	tell.Done("DeleteConsumerGroup: nobody", func() error { return admin.DeleteConsumerGroup("nobody") })
	tell.Done("DeleteRecords", func() error { return admin.DeleteRecords(topic, map[int32]int64{0: 3, 1: -1}) })
	tell.Done("DeleteRecords: beyond", func() error { return admin.DeleteRecords(topic, map[int32]int64{0: 300}) })
	tell.Done("DeleteRecords: nowhere", func() error { return admin.DeleteRecords("nowhere", map[int32]int64{0: 300}) })
}

func partitions() {
	some := map[string][]int32{topic: {0, 9}, "nowhere": {0}}
	tell.Call("ElectLeaders", func() (any, error) { return admin.ElectLeaders(sarama.PreferredElection, some) })
	tell.Call("ElectLeaders: unclean", func() (any, error) { return admin.ElectLeaders(sarama.UncleanElection, some) })
	tell.Done("AlterPartitionReassignments", func() error { return admin.AlterPartitionReassignments(topic, [][]int32{{1}, {1}, {1}}) })
	tell.Done("AlterPartitionReassignments: unknown broker", func() error { return admin.AlterPartitionReassignments(topic, [][]int32{{9}}) })
	tell.Done("AlterPartitionReassignments: nowhere", func() error { return admin.AlterPartitionReassignments("nowhere", [][]int32{{1}}) })
	tell.Call("ListPartitionReassignments", func() (any, error) { return admin.ListPartitionReassignments(topic, []int32{0, 1}) })
}

func security() {
	resource := sarama.Resource{ResourceType: sarama.AclResourceTopic, ResourceName: topic, ResourcePatternType: sarama.AclPatternLiteral}
	acl := sarama.Acl{Principal: "User:bob", Host: "*", Operation: sarama.AclOperationRead, PermissionType: sarama.AclPermissionAllow}
	filter := sarama.AclFilter{ResourceType: sarama.AclResourceAny, ResourcePatternTypeFilter: sarama.AclPatternAny, Operation: sarama.AclOperationAny,
		PermissionType: sarama.AclPermissionAny}
	tell.Done("CreateACL", func() error { return admin.CreateACL(resource, acl) })
	tell.Done("CreateACLs", func() error {
		return admin.CreateACLs([]*sarama.ResourceAcls{{Resource: resource, Acls: []*sarama.Acl{&acl}}})
	})
	tell.Call("ListAcls", func() (any, error) { return admin.ListAcls(filter) })
	tell.Call("DeleteACL", func() (any, error) { return admin.DeleteACL(filter, false) })
	upsert := func(iterations int32) func() (any, error) {
		return func() (any, error) {
			return admin.UpsertUserScramCredentials([]sarama.AlterUserScramCredentialsUpsert{{Name: "bob", Mechanism: sarama.SCRAM_MECHANISM_SHA_256,
				Iterations: iterations, Salt: []byte("salt"), Password: []byte("secret")}})
		}
	}
	tell.Call("UpsertUserScramCredentials", upsert(4096))
	tell.Call("UpsertUserScramCredentials: few iterations", upsert(5))
	tell.Until("the broker has the credential", func() bool {
		made, err := admin.DescribeUserScramCredentials(nil)
		return err == nil && len(made) > 0
	})
	tell.Call("DescribeUserScramCredentials", func() (any, error) { return admin.DescribeUserScramCredentials(nil) })
	tell.Call("DescribeUserScramCredentials: some", func() (any, error) { return admin.DescribeUserScramCredentials([]string{"bob", "nobody"}) })
	tell.Call("DeleteUserScramCredentials", func() (any, error) {
		return admin.DeleteUserScramCredentials([]sarama.AlterUserScramCredentialsDelete{{Name: "bob", Mechanism: sarama.SCRAM_MECHANISM_SHA_256}})
	})
	entity := []sarama.QuotaEntityComponent{{EntityType: sarama.QuotaEntityUser, MatchType: sarama.QuotaMatchExact, Name: "bob"}}
	quota := func(key string, value float64, validate bool) func() error {
		return func() error {
			return admin.AlterClientQuotas(entity, sarama.ClientQuotasOp{Key: key, Value: value}, validate)
		}
	}
	tell.Done("AlterClientQuotas", quota("producer_byte_rate", 1e6, false))
	tell.Done("AlterClientQuotas: validated", quota("consumer_byte_rate", 1e6, true))
	tell.Done("AlterClientQuotas: wrong", quota("no_such", 1, false))
	described := func() ([]sarama.DescribeClientQuotasEntry, error) {
		return admin.DescribeClientQuotas([]sarama.QuotaFilterComponent{{EntityType: sarama.QuotaEntityUser, MatchType: sarama.QuotaMatchAny}}, false)
	}
	tell.Until("the broker has the quota", func() bool {
		made, err := described()
		return err == nil && len(made) > 0
	})
	tell.Call("DescribeClientQuotas", func() (any, error) { return described() })
}
