// Package check counts checks and compares records, for all programs of this folder.
//
// A check prints a line to standard output, as compat/lib reads them: "ok NAME" or "FAIL NAME: why". Clients' logs go to
// standard error.
package check

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// Deadline bounds every wait; nothing should come near it.
const Deadline = 30 * time.Second

var failed bool

// Failure is what Must, Equal and Require panic with; Run makes a FAIL line of it.
type Failure struct{ why string }

// Run runs one check. The program goes on after it, whatever happened.
func Run(name string, body func()) {
	start := time.Now()
	why := attempt(body)
	if why == "" {
		fmt.Printf("ok %s\n", name)
	} else {
		failed = true
		fmt.Printf("FAIL %s: %s\n", name, strings.Join(strings.Fields(why), " "))
	}
	fmt.Fprintf(os.Stderr, "check %s took %d ms\n", name, time.Since(start).Milliseconds())
}

func attempt(body func()) (why string) {
	defer func() {
		if caught := recover(); caught != nil {
			if failure, ok := caught.(Failure); ok {
				why = failure.why
			} else {
				why = fmt.Sprintf("panic: %v", caught)
			}
			os.Stderr.Write(debug.Stack())
		}
	}()
	body()
	return ""
}

// Exit ends the program with the status that its checks earned.
func Exit() {
	if failed {
		os.Exit(1)
	}
	os.Exit(0)
}

// SlowCreate says that a new topic may be used only once its partitions answer. Apache Kafka needs it: it answers
// CreateTopics before the broker leads the partitions.
var SlowCreate bool

// TakesOldest says that the broker takes the versions that Kafka 4.0 dropped, as Kafka 3.9 and Milena do.
var TakesOldest = true

// Arguments reads the command line: the broker's address, and the beginning of the names of topics and groups.
func Arguments() (address, prefix string) {
	if len(os.Args) < 3 {
		fmt.Fprintf(os.Stderr, "usage: %s HOST:PORT PREFIX [slow-create] [no-oldest]\n", os.Args[0])
		os.Exit(2)
	}
	for _, word := range os.Args[3:] {
		SlowCreate = SlowCreate || word == "slow-create"
		TakesOldest = TakesOldest && word != "no-oldest"
	}
	return os.Args[1], os.Args[2]
}

func Fail(format string, arguments ...any) {
	panic(Failure{fmt.Sprintf(format, arguments...)})
}

func Must(err error, what string) {
	if err != nil {
		Fail("%s: %v", what, err)
	}
}

func Require(condition bool, format string, arguments ...any) {
	if !condition {
		Fail(format, arguments...)
	}
}

func Equal[T comparable](got, expected T, what string) {
	if got != expected {
		Fail("%s is %v, expected %v", what, got, expected)
	}
}

// Until waits for what happens in its own time.
func Until(what string, condition func() bool) {
	end := time.Now().Add(Deadline)
	for !condition() {
		if time.Now().After(end) {
			Fail("waited %v in vain: %s", Deadline, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Retry tries again while the error is of a kind that passes.
func Retry(what string, passes func(error) bool, try func() error) {
	var last error
	Until(what, func() bool {
		last = try()
		if last != nil && !passes(last) {
			Fail("%s: %v", what, last)
		}
		return last == nil
	})
}
