package zookeeper

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"

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
	rank
}

// A rank is the age of a registration: when its first node was made, by the clock of
// the servers, and by which transaction, for those of one millisecond. Transactions
// alone would not do: servers that have lost their data begin to count again. A node
// states it if it is not the first; without it that of the node counts.
type rank struct {
	Since int64 `json:"since,omitempty"` // in milliseconds since 1970
	Order int64 `json:"order,omitempty"`
}

func rankOf(stat *zk.Stat) rank { return rank{stat.Ctime, stat.Czxid} }

func (r rank) compare(other rank) int {
	return cmp.Or(cmp.Compare(r.Since, other.Since), cmp.Compare(r.Order, other.Order))
}

// encode returns the data of an instance. What would be read as something else, such
// as text that is not UTF-8, is an error.
func encode(in sd.Instance, since rank) ([]byte, error) {
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
func decode(data []byte) (in sd.Instance, since rank, err error) {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0:
		return in, since, errors.New("it is empty")
	case len(data) > maxData:
		return in, since, fmt.Errorf("it has %d bytes, and at most %d are read", len(data), maxData)
	}
	if data[0] != '{' {
		in.Addr = string(data)
		return checked(in, rank{})
	}
	var r struct {
		record
		foreign
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return in, since, fmt.Errorf("it is no JSON of an instance: %w", brief(err))
	}
	if r.Addr == "" && r.Address != "" {
		in, err = r.instance(r.ID)
		if err != nil {
			return sd.Instance{}, rank{}, err
		}
		return checked(in, rank{})
	}
	return checked(sd.Instance{ID: r.ID, Addr: r.Addr, Weight: r.Weight, Zone: r.Zone, Meta: r.Meta}, r.rank)
}

func checked(in sd.Instance, since rank) (sd.Instance, rank, error) {
	if err := in.Validate(); err != nil {
		return sd.Instance{}, rank{}, brief(err)
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
