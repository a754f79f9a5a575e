// Package security reads how clients log in: see compat/lib/client_security.py. The packages below it make each client's settings.
package security

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"os"
	"strings"
)

// Settings are the lines KEY=VALUE of the file; nil when clients need no login.
var Settings = read()

// User and Password are those of SCRAM-SHA-512, the only mechanism here.
var User, Password = Settings["sasl.username"], Settings["sasl.password"]

func read() map[string]string {
	path := os.Getenv("MILENA_CLIENT_SECURITY")
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	found := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		key, value, _ := strings.Cut(line, "=")
		found[key] = value
	}
	return found
}

// TLS trusts the brokers' authority.
func TLS() *tls.Config {
	text, err := os.ReadFile(Settings["ssl.ca.location"])
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		log.Fatal("no certificate in ", Settings["ssl.ca.location"])
	}
	return &tls.Config{RootCAs: pool}
}
