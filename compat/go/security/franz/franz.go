// Package franz gives franz-go's clients their login.
package franz

import (
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"milena/compat/security"
)

// With adds the login, if there is one.
func With(options ...kgo.Opt) []kgo.Opt {
	if security.Settings == nil {
		return options
	}
	login := scram.Auth{User: security.User, Pass: security.Password}.AsSha512Mechanism()
	return append(options, kgo.DialTLSConfig(security.TLS()), kgo.SASL(login))
}
