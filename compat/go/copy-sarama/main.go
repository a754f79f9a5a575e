// Copies numbers by transactions with sarama: ADDRESS FROM TO GROUP TRANSACTIONAL-ID SEED. Ends at anything odd. A transaction
// that was aborted on purpose is done again with the same records.
package main

import (
	"context"
	"fmt"
	"log"
	"math/rand"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

type copier struct {
	to       string
	group    string
	producer sarama.AsyncProducer
	random   *rand.Rand
	lock     sync.Mutex // one transaction at a time for the claims of all partitions
}

func (*copier) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*copier) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (c *copier) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		var batch []*sarama.ConsumerMessage
		timeout := time.After(100 * time.Millisecond)
	gather:
		for len(batch) < 200 {
			select {
			case message, open := <-claim.Messages():
				if !open {
					return nil
				}
				batch = append(batch, message)
			case <-timeout:
				break gather
			case <-session.Context().Done():
				return nil
			}
		}
		if len(batch) > 0 {
			c.lock.Lock()
			for !c.copy(session, batch) {
			}
			c.lock.Unlock()
		}
	}
}

// Whether it was committed.
func (c *copier) copy(session sarama.ConsumerGroupSession, batch []*sarama.ConsumerMessage) bool {
	must(c.producer.BeginTxn())
	for _, message := range batch {
		c.producer.Input() <- &sarama.ProducerMessage{Topic: c.to, Partition: message.Partition,
			Key: sarama.ByteEncoder(message.Key), Value: sarama.ByteEncoder(message.Value)}
	}
	who := sarama.NewConsumerGroupMetadataFromSession(session, c.group, nil)
	must(c.producer.AddMessageToTxnWithGroupMetadata(batch[len(batch)-1], who, nil))
	if c.random.Intn(5) == 0 {
		must(c.producer.AbortTxn())
		return false
	}
	must(c.producer.CommitTxn())
	return true
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	seed, _ := strconv.ParseInt(os.Args[6], 10, 64)
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Session.Timeout = 6 * time.Second
	config.Consumer.Group.Heartbeat.Interval = time.Second
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Errors = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Transaction.ID = os.Args[5]
	config.Producer.Transaction.Timeout = 20 * time.Second
	config.Net.MaxOpenRequests = 1
	client, err := sarama.NewClient([]string{os.Args[1]}, config)
	must(err)
	producer, err := sarama.NewAsyncProducerFromClient(client)
	must(err)
	go func() {
		for err := range producer.Errors() {
			// What was aborted on purpose may be told here as well.
			log.Print(err)
		}
	}()
	group, err := sarama.NewConsumerGroupFromClient(os.Args[4], client)
	must(err)
	fmt.Println("ready")
	handler := &copier{to: os.Args[3], group: os.Args[4], producer: producer, random: rand.New(rand.NewSource(seed))}
	for {
		must(group.Consume(context.Background(), []string{os.Args[2]}, handler))
	}
}
