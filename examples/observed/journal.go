package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/dowelkit/dowel/log"
	"github.com/dowelkit/dowel/tracing"
)

// maxLines bounds what is kept when it goes on serving.
const maxLines = 20_000

// Journal has the logs of all instances, as a log server would, and passes each line
// on if somebody wants to read along. It is safe for concurrent use.
type Journal struct {
	Also io.Writer // or nil

	mu    sync.Mutex
	lines []string
}

// Write is called by package slog with one line.
func (j *Journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines) < maxLines {
		j.lines = append(j.lines, string(bytes.TrimSpace(line)))
	}
	if j.Also != nil {
		return j.Also.Write(line)
	}
	return len(line), nil
}

// Of returns the records that have the trace, in the order of their coming.
func (j *Journal) Of(traceID string) (records []map[string]any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range j.lines {
		var record map[string]any
		if json.Unmarshal([]byte(line), &record) == nil && record[tracing.TraceIDKey] == traceID {
			records = append(records, record)
		}
	}
	return records
}

// shared are the keys that all records of one request have in common.
var shared = []string{log.RequestIDKey, log.CorrelationIDKey, tracing.TraceIDKey}

// Print prints the records of one request: first what they share.
func Print(out io.Writer, records []map[string]any) {
	for _, key := range shared {
		var values []string
		for _, r := range records {
			if v := fmt.Sprint(r[key]); !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		fmt.Fprintf(out, "    %-14s = %s\n", key, strings.Join(values, ", "))
	}
	fmt.Fprintln(out)
	for _, r := range records {
		text, _ := r["time"].(string)
		_, clock, _ := strings.Cut(text, "T")
		fmt.Fprintf(out, "    %.12s  %-10s %-5v  %v", clock, r["server"], r["level"], r["msg"])
		for _, key := range []string{"method", "code", "reason", "item", "cents"} {
			if v, ok := r[key]; ok {
				fmt.Fprintf(out, "  %s=%v", key, v)
			}
		}
		fmt.Fprintln(out)
	}
}
