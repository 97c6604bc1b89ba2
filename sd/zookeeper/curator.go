package zookeeper

import (
	"encoding/json"
	"errors"
	"net"
	"strconv"
	"strings"

	"github.com/dowelkit/dowel/sd"
)

// MetaPayload is the key under which the payload of an instance that Curator
// registered is found if it is a single string, number or truth value. The members
// of a payload that is an object have their own names as keys.
const MetaPayload = "curator.payload"

// foreign is what the service discovery of Apache Curator writes beside the ID, as
// far as it concerns us: its ServiceInstance.
type foreign struct {
	Address string          `json:"address"`
	Port    *int            `json:"port"`
	SSLPort *int            `json:"sslPort"`
	Payload json.RawMessage `json:"payload"`
	Enabled *bool           `json:"enabled"`
}

func (f *foreign) instance(id string) (sd.Instance, error) {
	if f.Enabled != nil && !*f.Enabled {
		return sd.Instance{}, errNobody
	}
	port := f.Port
	if port == nil {
		port = f.SSLPort
	}
	if port == nil {
		return sd.Instance{}, errors.New("it has no port")
	}
	host := strings.TrimSuffix(strings.TrimPrefix(f.Address, "["), "]")
	return sd.Instance{
		ID:   id,
		Addr: net.JoinHostPort(host, strconv.Itoa(*port)),
		Meta: payload(f.Payload),
	}, nil
}

// payload makes meta of whatever has a plain text. The rest of a payload is of
// types that only its writer knows.
func payload(raw json.RawMessage) map[string]string {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		members = map[string]json.RawMessage{MetaPayload: raw}
	}
	meta := make(map[string]string, len(members))
	for key, value := range members {
		if text, ok := plain(value); ok {
			meta[key] = text
		}
	}
	if len(meta) == 0 {
		return nil
	}
	return meta
}

func plain(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 {
		return "", false
	}
	switch raw[0] {
	case '{', '[', 'n': // n for null
		return "", false
	case '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err == nil
	}
	return string(raw), true
}
