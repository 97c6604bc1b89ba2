package httpkit

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// source is where a bound field stands in a request.
type source int

const (
	inPath source = iota
	inQuery
	inHeader
)

var sourceTags = [...]string{inPath: "path", inQuery: "query", inHeader: "header"}

var sourceNames = [...]string{inPath: "path segment", inQuery: "query parameter", inHeader: "header"}

// shape is how many values a bound field has.
type shape int

const (
	one      shape = iota // absent means the zero value
	optional              // a pointer; absent means nil
	list                  // a slice; absent means nil
)

// binding ties one field of a request struct to the path, the query or a header.
type binding struct {
	source source
	name   string // headers in canonical form
	index  []int  // for reflect.Value.FieldByIndex
	shape  shape
	text   textField
}

// String names the place, for the caller: query parameter "limit".
func (b *binding) String() string {
	return sourceNames[b.source] + " " + strconv.Quote(b.name)
}

// read sets the field from the values that the request has for it.
func (b *binding) read(values []string, field reflect.Value) error {
	field.SetZero()
	if len(values) == 0 {
		return nil
	}
	if b.shape != list && len(values) > 1 {
		// Servers and proxies differ in which one they take.
		return fmt.Errorf("%v must be given once", b)
	}
	switch b.shape {
	case optional:
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	case list:
		field.Set(reflect.MakeSlice(field.Type(), len(values), len(values)))
		return b.readList(values, field)
	}
	if err := b.text.parse(values[0], field); err != nil {
		return fmt.Errorf("%v %w", b, err)
	}
	return nil
}

func (b *binding) readList(values []string, field reflect.Value) error {
	for i, text := range values {
		if err := b.text.parse(text, field.Index(i)); err != nil {
			return fmt.Errorf("%v %w", b, err)
		}
	}
	return nil
}

// write returns the values that read makes the field of: none for a zero value,
// a nil pointer or an empty slice. A path segment is never left out.
func (b *binding) write(field reflect.Value) ([]string, error) {
	switch {
	case b.shape == list:
		return b.writeList(field)
	case b.shape == optional && field.IsNil():
		if b.source == inPath {
			return nil, fmt.Errorf("%v must not be missing", b)
		}
		return nil, nil
	case b.shape == optional:
		field = field.Elem()
	case b.source != inPath && field.IsZero():
		return nil, nil
	}
	text, err := b.format(field)
	if err != nil {
		return nil, err
	}
	return []string{text}, nil
}

func (b *binding) writeList(field reflect.Value) ([]string, error) {
	var values []string
	for i := range field.Len() {
		text, err := b.format(field.Index(i))
		if err != nil {
			return nil, err
		}
		values = append(values, text)
	}
	return values, nil
}

var (
	errNotInPath   = errors.New(`must not be empty, "." or ".."`)
	errNotInHeader = errors.New("has a character that a header may not have, or a space at an end")
)

// format refuses what would not arrive as it was sent: dot segments are resolved
// on the way, and so is white space around a header.
func (b *binding) format(field reflect.Value) (string, error) {
	text, err := b.text.format(field)
	if err == nil && b.source == inPath && (text == "" || text == "." || text == "..") {
		err = errNotInPath
	}
	if err == nil && b.source == inHeader && !validHeaderValue(text) {
		err = errNotInHeader
	}
	if err != nil {
		return "", fmt.Errorf("%v %w", b, err)
	}
	return text, nil
}

func validHeaderValue(text string) bool {
	if strings.Trim(text, " \t") != text {
		return false
	}
	for _, c := range []byte(text) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
