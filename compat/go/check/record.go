package check

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

type Header struct {
	Key   string
	Value []byte
}

// Record is what a user can see of a record, in whatever client's form it came.
type Record struct {
	Partition   int
	TimestampMs int64
	Key, Value  []byte
	Headers     []Header
}

// FirstTimestampMs is a day ago: retention would delete records of long ago under our hands.
var FirstTimestampMs = time.Now().UnixMilli() - 24*3_600_000

func (r Record) Time() time.Time { return time.UnixMilli(r.TimestampMs) }

// Make makes records whose keys, values and headers vary, spread over the partitions in turn.
func Make(label string, count, partitions int) []Record {
	records := make([]Record, 0, count)
	for i := range count {
		record := Record{
			Partition:   i % partitions,
			TimestampMs: FirstTimestampMs + int64(i)*1000,
			Key:         fmt.Appendf(nil, "%s-key-%d", label, i),
			Value:       fmt.Appendf(nil, "%s value %d %s", label, i, strings.Repeat("abc ", i%50)),
		}
		if i%3 == 1 {
			record.Headers = append(record.Headers, Header{"trace", fmt.Appendf(nil, "id-%d", i)})
		}
		if i%6 == 4 {
			record.Headers = append(record.Headers, Header{"trace", []byte("again")}, Header{"größe", []byte{0, 255, 127}})
		}
		records = append(records, record)
	}
	return records
}

func (r Record) String() string {
	value := string(r.Value)
	if len(value) > 60 {
		value = fmt.Sprintf("%s... (%d bytes)", value[:60], len(value))
	}
	return fmt.Sprintf("{partition %d, timestamp %d, key %q, value %q, headers %v}", r.Partition, r.TimestampMs, r.Key, value, r.Headers)
}

// An absent key or value is not an empty one.
func sameBytes(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func (r Record) same(other Record) bool {
	if r.Partition != other.Partition || r.TimestampMs != other.TimestampMs || len(r.Headers) != len(other.Headers) {
		return false
	}
	for i, header := range r.Headers {
		if header.Key != other.Headers[i].Key || !bytes.Equal(header.Value, other.Headers[i].Value) {
			return false
		}
	}
	return sameBytes(r.Key, other.Key) && sameBytes(r.Value, other.Value)
}

// Same requires the same records in the same order in each partition; the order between partitions is free.
func Same(got, expected []Record) {
	Equal(len(got), len(expected), "number of records")
	left, right := byPartition(got), byPartition(expected)
	for partition, want := range right {
		have := left[partition]
		Equal(len(have), len(want), fmt.Sprintf("number of records in partition %d", partition))
		for i := range want {
			Require(have[i].same(want[i]), "record %d of partition %d is %v, expected %v", i, partition, have[i], want[i])
		}
	}
}

func OfPartition(records []Record, partition int) []Record { return byPartition(records)[partition] }

func byPartition(records []Record) map[int][]Record {
	result := map[int][]Record{}
	for _, record := range records {
		result[record.Partition] = append(result[record.Partition], record)
	}
	return result
}
