package testserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// poll reads a file of the Collector's until done is content with its lines.
func (c *Collector) poll(what, file string, done func(lines [][]byte) (bool, error)) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // nothing was written yet
		}
		lines := bytes.Split(text, []byte("\n"))
		ok := false
		if err == nil {
			ok, err = done(lines[:len(lines)-1]) // what has no end yet is no line
		}
		if err != nil {
			c.t.Fatalf("otelcol: %s: %v", file, err)
		}
		if ok {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("otelcol: the %s do not come: it got %d bytes of them\n%s\n%s", what, len(text), tail(file), tail(c.Log()))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

type otlpResource struct{ Attributes otlpAttributes }

func (r otlpResource) service() string {
	name, _ := r.Attributes["service.name"].(string)
	return name
}

// otlpAttributes are a list in JSON, of names and values by type.
type otlpAttributes map[string]any

func (a *otlpAttributes) UnmarshalJSON(text []byte) error {
	var list []struct {
		Key   string
		Value struct {
			StringValue *string
			IntValue    *int64 `json:",string"`
			DoubleValue *float64
			BoolValue   *bool
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*a = otlpAttributes{}
	for _, each := range list {
		switch v := each.Value; {
		case v.StringValue != nil:
			(*a)[each.Key] = *v.StringValue
		case v.IntValue != nil:
			(*a)[each.Key] = *v.IntValue
		case v.DoubleValue != nil:
			(*a)[each.Key] = *v.DoubleValue
		case v.BoolValue != nil:
			(*a)[each.Key] = *v.BoolValue
		default:
			return fmt.Errorf("attribute %q has a value of another type, or none", each.Key)
		}
	}
	return nil
}
