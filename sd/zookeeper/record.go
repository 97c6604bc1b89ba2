package zookeeper

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dowelkit/dowel/sd"
)

// maxData bounds what is written to a node, and what is read as an instance. A
// server closes the connection of whoever sends it more than 1 MiB, and all who
// share that connection suffer.
const maxData = 64 << 10

// maxFault bounds what is said of data that are no instance.
const maxFault = 500

// record is the data of a node.
type record struct {
	ID     string            `json:"id"`
	Addr   string            `json:"addr"`
	Weight int               `json:"weight,omitempty"`
	Zone   string            `json:"zone,omitempty"`
	Meta   map[string]string `json:"meta,omitempty"`
	// Since is the rank of a registration that had to make its node again: the
	// transaction that made its first. Without it that of the node counts.
	Since int64 `json:"since,omitempty"`
}

// encode returns the data of an instance. What would be read as something else, such
// as text that is not UTF-8, is an error.
func encode(in sd.Instance, since int64) ([]byte, error) {
	data, err := json.Marshal(record{in.ID, in.Addr, in.Weight, in.Zone, in.Meta, since})
	if err != nil {
		return nil, err
	}
	switch back, _, err := decode(data); {
	case err != nil:
		return nil, err
	case !back.Equal(&in):
		return nil, errors.New("zone or meta is not UTF-8")
	}
	return data, nil
}

// errNobody is a node that says that it is no instance now, which is no fault.
var errNobody = errors.New("the instance is disabled")

// decode reads the data of a node: our own JSON, that of Curator's service
// discovery, or a plain address. The instance is valid if the error is nil.
func decode(data []byte) (in sd.Instance, since int64, err error) {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0:
		return in, 0, errors.New("it is empty")
	case len(data) > maxData:
		return in, 0, fmt.Errorf("it has %d bytes, and at most %d are read", len(data), maxData)
	}
	if data[0] != '{' {
		in.Addr = string(data)
		return checked(in, 0)
	}
	var r struct {
		record
		foreign
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return in, 0, fmt.Errorf("it is no JSON of an instance: %w", brief(err))
	}
	if r.Addr == "" && r.Address != "" {
		in, err = r.instance(r.ID)
		if err != nil {
			return sd.Instance{}, 0, err
		}
		return checked(in, 0)
	}
	return checked(sd.Instance{ID: r.ID, Addr: r.Addr, Weight: r.Weight, Zone: r.Zone, Meta: r.Meta}, r.Since)
}

func checked(in sd.Instance, since int64) (sd.Instance, int64, error) {
	if err := in.Validate(); err != nil {
		return sd.Instance{}, 0, brief(err)
	}
	return in, since, nil
}

// brief cuts off what an error repeats of the data.
func brief(err error) error {
	if len(err.Error()) > maxFault {
		return fmt.Errorf("%.*s…", maxFault, err)
	}
	return err
}
