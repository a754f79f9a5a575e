// A member of a group: segmentio/kafka-go. compat/groups/member.py says what it prints. Its Reader does not tell when it
// loses a partition.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/segmentio/kafka-go"
	login "milena/compat/security/kafkago"
)

func main() {
	reader := kafka.NewReader(kafka.ReaderConfig{
		Dialer: login.Dialer(), Brokers: []string{os.Args[1]}, GroupID: os.Args[2], Topic: os.Args[3], StartOffset: kafka.FirstOffset,
		SessionTimeout: 10 * time.Second, HeartbeatInterval: 500 * time.Millisecond, RebalanceTimeout: 20 * time.Second,
		WatchPartitionChanges: true, PartitionWatchInterval: time.Second, MaxWait: 100 * time.Millisecond,
		JoinGroupBackoff: 500 * time.Millisecond,
		ErrorLogger:      kafka.LoggerFunc(func(text string, values ...any) { fmt.Fprintf(os.Stderr, text+"\n", values...) }),
	})
	running, stop := context.WithCancel(context.Background())
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		stop()
	}()
	for {
		record, err := reader.FetchMessage(running)
		if running.Err() != nil {
			break
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "fetch:", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		fmt.Printf("r %d %d\n", record.Partition, record.Offset)
		if err := reader.CommitMessages(context.Background(), record); err != nil {
			fmt.Fprintln(os.Stderr, "commit:", err)
			continue
		}
		fmt.Printf("c %d %d\n", record.Partition, record.Offset+1)
	}
	reader.Close()
	fmt.Println("stopped")
}
