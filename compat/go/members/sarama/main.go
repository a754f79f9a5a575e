// A member of a group: IBM/sarama. compat/groups/member.py says what it prints.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/IBM/sarama"
	login "milena/compat/security/sarama"
)

type member struct {
	group sarama.ConsumerGroup
	turn  sync.Mutex
}

func (*member) Setup(sarama.ConsumerGroupSession) error { return nil }

func (*member) Cleanup(session sarama.ConsumerGroupSession) error {
	for _, partitions := range session.Claims() {
		for _, partition := range partitions {
			fmt.Printf("lost %d\n", partition)
		}
	}
	return nil
}

// commit tells whether it went well: sarama puts errors into the group's channel, which nobody else reads.
func (m *member) commit(session sarama.ConsumerGroupSession) bool {
	m.drain()
	session.Commit()
	return m.drain() == 0 && session.Context().Err() == nil
}

func (m *member) drain() (count int) {
	for {
		select {
		case err := <-m.group.Errors():
			fmt.Fprintln(os.Stderr, err)
			count++
		default:
			return count
		}
	}
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for record := range claim.Messages() {
		if session.Context().Err() != nil {
			return nil
		}
		m.turn.Lock()
		fmt.Printf("r %d %d\n", record.Partition, record.Offset)
		session.MarkMessage(record, "")
		if m.commit(session) {
			fmt.Printf("c %d %d\n", record.Partition, record.Offset+1)
		}
		m.turn.Unlock()
	}
	return nil
}

func main() {
	config := login.Config()
	config.Version = sarama.V3_6_0_0
	config.Consumer.Group.Session.Timeout = 10 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Return.Errors = true
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	config.Metadata.RefreshFrequency = time.Second
	group, err := sarama.NewConsumerGroup([]string{os.Args[1]}, os.Args[2], config)
	if err != nil {
		panic(err)
	}
	running, stop := context.WithCancel(context.Background())
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		stop()
	}()
	for running.Err() == nil {
		if err := group.Consume(running, []string{os.Args[3]}, &member{group: group}); err != nil {
			fmt.Fprintln(os.Stderr, "consume:", err)
			time.Sleep(200 * time.Millisecond)
		}
	}
	group.Close()
	fmt.Println("stopped")
}
