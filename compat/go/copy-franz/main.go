// Copies numbers by transactions with franz-go: ADDRESS FROM TO GROUP TRANSACTIONAL-ID SEED. Ends at anything odd.
package main

import (
	"context"
	"fmt"
	"log"
	"math/rand"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	from, to := os.Args[2], os.Args[3]
	seed, _ := strconv.ParseInt(os.Args[6], 10, 64)
	random := rand.New(rand.NewSource(seed))
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(os.Args[1]),
		kgo.ConsumeTopics(from),
		kgo.ConsumerGroup(os.Args[4]),
		kgo.TransactionalID(os.Args[5]),
		kgo.TransactionTimeout(20*time.Second),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.SessionTimeout(6*time.Second),
		kgo.HeartbeatInterval(time.Second),
		kgo.RequireStableFetchOffsets(),
	)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	fmt.Println("ready")
	for {
		fetches := session.PollRecords(ctx, 300)
		if err := fetches.Err(); err != nil {
			log.Fatal(err)
		}
		if fetches.NumRecords() == 0 {
			continue
		}
		if err := session.Begin(); err != nil {
			log.Fatal(err)
		}
		failed := kgo.AbortingFirstErrPromise(session.Client())
		fetches.EachRecord(func(record *kgo.Record) {
			session.Produce(ctx, &kgo.Record{Topic: to, Partition: record.Partition, Key: record.Key, Value: record.Value}, failed.Promise())
		})
		commit := failed.Err() == nil && random.Intn(5) != 0
		if _, err := session.End(ctx, kgo.TransactionEndTry(commit)); err != nil {
			log.Fatal(err)
		}
	}
}
