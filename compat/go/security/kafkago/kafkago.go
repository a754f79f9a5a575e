// Package kafkago gives kafka-go's connections their login.
package kafkago

import (
	"crypto/tls"
	"log"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/scram"
	"milena/compat/security"
)

func login() (*tls.Config, sasl.Mechanism) {
	if security.Settings == nil {
		return nil, nil
	}
	mechanism, err := scram.Mechanism(scram.SHA512, security.User, security.Password)
	if err != nil {
		log.Fatal(err)
	}
	return security.TLS(), mechanism
}

// Dialer is for Conn and Reader; its other values are those of kafka.DefaultDialer.
func Dialer() *kafka.Dialer {
	config, mechanism := login()
	return &kafka.Dialer{Timeout: 10 * time.Second, DualStack: true, TLS: config, SASLMechanism: mechanism}
}

// Transport is for Writer and Client.
func Transport() *kafka.Transport {
	config, mechanism := login()
	return &kafka.Transport{TLS: config, SASL: mechanism}
}
