// Package confluent gives confluent-kafka-go's clients their login.
package confluent

import (
	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"milena/compat/security"
)

// Config is what every client begins with: where the broker is, and the login, if there is one.
func Config(address string) kafka.ConfigMap {
	config := kafka.ConfigMap{"bootstrap.servers": address}
	for _, key := range []string{"security.protocol", "sasl.mechanism", "sasl.username", "sasl.password", "ssl.ca.location"} {
		if value, there := security.Settings[key]; there {
			config[key] = value
		}
	}
	return config
}
