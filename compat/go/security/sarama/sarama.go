// Package sarama gives sarama's clients their login.
package sarama

import (
	"crypto/sha512"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
	"milena/compat/security"
)

// Scram is what sarama asks for: it has no SCRAM of its own.
func Scram(hash scram.HashGeneratorFcn) func() sarama.SCRAMClient {
	return func() sarama.SCRAMClient { return &client{generator: hash} }
}

type client struct {
	generator    scram.HashGeneratorFcn
	conversation *scram.ClientConversation
}

func (c *client) Begin(user, password, id string) error {
	made, err := c.generator.NewClient(user, password, id)
	if err == nil {
		c.conversation = made.NewConversation()
	}
	return err
}
func (c *client) Step(challenge string) (string, error) { return c.conversation.Step(challenge) }
func (c *client) Done() bool                            { return c.conversation.Done() }

// Config is sarama.NewConfig() with the login, if there is one.
func Config() *sarama.Config {
	config := sarama.NewConfig()
	if security.Settings == nil {
		return config
	}
	config.Net.TLS.Enable = true
	config.Net.TLS.Config = security.TLS()
	config.Net.SASL.Enable = true
	config.Net.SASL.Mechanism = sarama.SASLTypeSCRAMSHA512
	config.Net.SASL.User, config.Net.SASL.Password = security.User, security.Password
	config.Net.SASL.SCRAMClientGeneratorFunc = Scram(sha512.New)
	return config
}
