// sarama: ADDRESS MECHANISM USER SECRET TOPIC.
package main

import (
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"os"
	"strings"
	"time"

	"github.com/IBM/sarama"
	login "milena/compat/security/sarama"
)

type token string

func (t token) Token() (*sarama.AccessToken, error) {
	return &sarama.AccessToken{Token: string(t)}, nil
}

func use(address, mechanism, user, secret, topic string) error {
	config := sarama.NewConfig()
	config.Net.SASL.Enable = true
	config.Net.SASL.Mechanism = sarama.SASLMechanism(mechanism)
	config.Net.SASL.User, config.Net.SASL.Password = user, secret
	config.Metadata.Retry.Max = 2
	config.Producer.Return.Successes = true
	hashes := map[string]func() hash.Hash{"SCRAM-SHA-256": sha256.New, "SCRAM-SHA-512": sha512.New}
	if make, ok := hashes[mechanism]; ok {
		config.Net.SASL.SCRAMClientGeneratorFunc = login.Scram(make)
	}
	if mechanism == "OAUTHBEARER" {
		config.Net.SASL.TokenProvider = token(secret)
	}
	producer, err := sarama.NewSyncProducer([]string{address}, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	if _, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("hello")}); err != nil {
		return err
	}
	consumer, err := sarama.NewConsumer([]string{address}, config)
	if err != nil {
		return err
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	if err != nil {
		return err
	}
	select {
	case <-partition.Messages():
		return nil
	case <-time.After(15 * time.Second):
		return errors.New("no record")
	}
}

func main() {
	err := use(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	text := strings.ReplaceAll(fmt.Sprint(err), "\n", " ")
	switch {
	case err == nil:
		fmt.Println("in")
	case errors.Is(err, sarama.ErrSASLAuthenticationFailed) || strings.Contains(text, "SASL"):
		fmt.Println("refused: " + text)
	default:
		fmt.Println(text)
	}
}
