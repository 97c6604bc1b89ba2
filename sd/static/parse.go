package static

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/dowelkit/dowel/sd"
)

// entry is one instance in a file.
type entry struct {
	ID     string            `json:"id"`
	Addr   string            `json:"addr"`
	Weight int               `json:"weight"`
	Zone   string            `json:"zone"`
	Meta   map[string]string `json:"meta"`
}

// Parse reads the format of the file; see the package's documentation. Unknown
// fields are errors, since a misspelt one would be lost. It returns either every
// instance or an error that joins the first 20 faults.
func Parse(text []byte) ([]sd.Instance, error) {
	instances, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("static: %w", err)
	}
	return instances, nil
}

func parse(text []byte) ([]sd.Instance, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("the text is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var entries []*entry
	if err := dec.Decode(&entries); err != nil {
		return nil, fmt.Errorf("not a list of instances: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("there is text after the list of instances")
	}
	if entries == nil {
		return nil, errors.New("not a list of instances: null")
	}
	instances := make([]sd.Instance, len(entries))
	for i, e := range entries {
		if e == nil {
			return nil, fmt.Errorf("instance %d is null", i+1)
		}
		instances[i] = sd.Instance(*e)
	}
	return instances, check(instances)
}
