package httpkit

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/dowelkit/dowel/endpoint"
)

var errTrailing = errors.New("data after the JSON value")

// jsonFault translates an error of encoding/json for the caller, who knows
// nothing of Go. root is the type that was decoded into.
func jsonFault(err error, root reflect.Type) error {
	if _, ok := errors.AsType[*endpoint.Error](err); ok { // of the user's own UnmarshalJSON
		return err
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return badBody(err, "the body is not valid JSON: %v (at byte %d)", e, e.Offset)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return badBody(err, "%s must be %s, not %s", place(root, e.Field), wanted(e), found(e))
	}
	// This error has no type; if its text ever changes, the neutral message stays.
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if name, err := strconv.Unquote(name); err == nil {
			return badBody(errors.New("unknown field"), "the body has a member %s, which is not known", quote(name))
		}
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badBody(err, "the body is not valid JSON: it ends before its end")
	case errors.Is(err, errTrailing):
		return badBody(err, "the body has data after its JSON value")
	}
	return badBody(err, "the body has a value that is not valid")
}

// wanted names the JSON type that fits e.Type.
func wanted(e *json.UnmarshalTypeError) string {
	t := e.Type
	if reflect.PointerTo(t).Implements(textUnmarshalerType) {
		return "a string"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return "a whole number of " + strconv.Itoa(t.Bits()) + " bits"
	case reflect.Float32, reflect.Float64:
		return "a number of " + strconv.Itoa(t.Bits()) + " bits"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 && t.Kind() == reflect.Slice {
			return "a string in base64"
		}
		return "an array"
	case reflect.Map, reflect.Struct:
		return "an object"
	}
	return "of another type"
}

// found names what stood there instead. e.Value holds the caller's own number,
// which may be long.
func found(e *json.UnmarshalTypeError) string {
	switch kind, number, _ := strings.Cut(e.Value, " "); {
	case kind == "bool":
		return "true or false"
	case kind == "array" || kind == "object":
		return "an " + kind
	case number != "":
		return "the number " + number[:min(len(number), maxQuoted)]
	default:
		return "a " + kind
	}
}

// place names a member by its path, from the path of e: that goes through Go
// names of embedded structs, which are no members.
func place(t reflect.Type, path string) string {
	var members []string
	for name := range strings.SplitSeq(path, ".") {
		f, ok := memberOf(&t, name)
		if !ok {
			break
		}
		if !embeds(f) {
			members = append(members, name)
		}
	}
	if len(members) == 0 {
		return "the body"
	}
	return "member " + strconv.Quote(strings.Join(members, "."))
}

// memberOf finds the struct field that encoding/json calls name in *t, or in
// what *t is a collection of, and moves *t on to the type of the field.
func memberOf(t *reflect.Type, name string) (reflect.StructField, bool) {
	s := *t
	for s.Kind() == reflect.Pointer || s.Kind() == reflect.Slice || s.Kind() == reflect.Array || s.Kind() == reflect.Map {
		s = s.Elem()
	}
	if s.Kind() != reflect.Struct {
		return reflect.StructField{}, false
	}
	for i := range s.NumField() {
		f := s.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == name || tag == "" && f.Name == name {
			*t = f.Type
			return f, true
		}
	}
	return reflect.StructField{}, false
}
