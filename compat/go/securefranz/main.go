// franz-go: ADDRESS MECHANISM USER SECRET TOPIC.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

func mechanism(name, user, secret string) sasl.Mechanism {
	switch name {
	case "PLAIN":
		return plain.Auth{User: user, Pass: secret}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: secret}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: secret}.AsSha512Mechanism()
	}
	return oauth.Auth{Token: secret}.AsMechanism()
}

func use(address, name, user, secret, topic string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.SASL(mechanism(name, user, secret)), kgo.DefaultProduceTopic(topic),
		kgo.ConsumeTopics(topic), kgo.AllowAutoTopicCreation(), kgo.RetryTimeout(5*time.Second))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := client.Ping(ctx); err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, kgo.StringRecord("hello")).FirstErr(); err != nil {
		return err
	}
	fetches := client.PollFetches(ctx)
	if fetches.NumRecords() == 0 {
		return errors.New("no record")
	}
	return fetches.Err()
}

func main() {
	err := use(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	text := strings.ReplaceAll(fmt.Sprint(err), "\n", " ")
	switch {
	case err == nil:
		fmt.Println("in")
	// With OAUTHBEARER it says no more of a refusal than that the broker's answer has a text in it.
	case errors.Is(err, kerr.SaslAuthenticationFailed) || strings.Contains(text, "SASL_AUTHENTICATION_FAILED") ||
		text == "unexpected data in oauth response":
		fmt.Println("refused: " + text)
	default:
		fmt.Println(text)
	}
}
