package etcd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dowelkit/dowel/sd"
)

// largest is the most bytes that a value may have. What is larger is no instance,
// and would cost every client its transfer at each reload.
const largest = 64 << 10

// lastGeneration is in the year 2255, and the largest number that all readers of JSON
// read alike.
const lastGeneration = 1 << 53

// value is the JSON of an entry. The ID is in the key alone, so that the two cannot
// contradict each other.
type value struct {
	Addr       string            `json:"addr"`
	Weight     int               `json:"weight,omitempty"`
	Zone       string            `json:"zone,omitempty"`
	Meta       map[string]string `json:"meta,omitempty"`
	Generation int64             `json:"generation,omitempty"`
}

// encode returns the value of an instance. What JSON cannot hold, such as text that
// is not UTF-8, is an error.
func encode(in sd.Instance, generation int64) ([]byte, error) {
	text, err := json.Marshal(value{in.Addr, in.Weight, in.Zone, in.Meta, generation})
	if err != nil {
		return nil, err
	}
	back, _, err := decode(in.ID, text)
	if err != nil {
		return nil, err
	}
	if !back.Equal(&in) {
		return nil, errors.New("zone or meta is not UTF-8")
	}
	return text, nil
}

// decode reads our own JSON, that of others which calls the address "addr" in
// whatever case (etcd's naming package does), and a plain address (as Go kit writes).
func decode(id string, text []byte) (in sd.Instance, generation int64, err error) {
	if len(text) > largest {
		return in, 0, fmt.Errorf("the value has %d bytes, more than %d", len(text), largest)
	}
	text = bytes.TrimSpace(text)
	v := value{Addr: string(text)}
	switch {
	case len(text) == 0:
		return in, 0, errors.New("the value is empty")
	case text[0] == '{':
		v.Addr = ""
		if err := json.Unmarshal(text, &v); err != nil {
			return in, 0, fmt.Errorf("the value is not the JSON of an instance: %w", err)
		}
	}
	if v.Generation < 0 || v.Generation > lastGeneration {
		v.Generation = 0 // whatever that is, nobody must have to come after it
	}
	in = sd.Instance{ID: id, Addr: v.Addr, Weight: v.Weight, Zone: v.Zone, Meta: v.Meta}
	if err := in.Validate(); err != nil {
		return sd.Instance{}, 0, shorten(err)
	}
	return in, v.Generation, nil
}

// shorten keeps the error of a value that is no address from being as long as the
// value.
func shorten(err error) error {
	const most = 200
	if text := err.Error(); len(text) > most {
		return fmt.Errorf("%.*s…", most, text)
	}
	return err
}
