package httpkit

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// jsonBody is what of a request type travels as JSON: all of it, nothing, or the
// fields that are not bound to path, query or header. In the last case those
// are moved to and from a struct that has only them, so that no body can set a
// bound field, and strict decoding takes its name for an unknown one.
type jsonBody struct {
	none  bool
	part  reflect.Type // nil if all of it travels
	moves []move
}

// move ties a field of the part to the same field of the request.
type move struct{ part, whole []int }

var (
	jsonUnmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	jsonMarshalerType   = reflect.TypeFor[json.Marshaler]()
)

// jsonBodyOf never takes apart a type with JSON methods of its own: those are
// the user's word on its body.
func jsonBodyOf(t reflect.Type, bound bool) jsonBody {
	if t.Kind() != reflect.Struct || ownJSON(t) {
		return jsonBody{}
	}
	var b jsonBody
	fields := b.collect(t, nil, nil)
	switch {
	case len(b.moves) == 0:
		b.none = true
		b.part = reflect.TypeFor[struct{}]()
	case bound:
		b.part = reflect.StructOf(fields)
	default:
		b.moves = nil
	}
	return b
}

func ownJSON(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonUnmarshalerType) || p.Implements(jsonMarshalerType) ||
		p.Implements(textUnmarshalerType) || p.Implements(textMarshalerType)
}

// collect returns the fields of t that encoding/json sees and that are not
// bound. Embedded structs stay embedded, since that decides which of two fields
// of one name wins.
func (b *jsonBody) collect(t reflect.Type, part, whole []int) []reflect.StructField {
	var fields []reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		from, to := append(slices.Clone(part), len(fields)), append(slices.Clone(whole), i)
		switch {
		case tagged(f) || f.Tag.Get("json") == "-":
		case embeds(f) && f.Type.Kind() == reflect.Struct:
			if inner := b.collect(f.Type, from, to); len(inner) > 0 {
				// reflect makes neither embedded types with methods nor fields
				// that are not exported; encoding/json needs neither.
				fields = append(fields, reflect.StructField{
					Name: freeName(t, f.Name), Type: reflect.StructOf(inner), Anonymous: true,
				})
			}
		case f.IsExported():
			fields = append(fields, reflect.StructField{Name: f.Name, Type: f.Type, Tag: f.Tag})
			b.moves = append(b.moves, move{from, to})
		}
	}
	return fields
}

// freeName returns an exported name for what stands for an embedded struct: one
// that no field of t has, nor what stands for another one.
func freeName(t reflect.Type, embedded string) string {
	prefix := "Embedded_"
	for i := 0; i < t.NumField(); i++ {
		if strings.HasPrefix(t.Field(i).Name, prefix) {
			prefix, i = prefix+"_", -1
		}
	}
	return prefix + embedded
}

// take moves the fields of a decoded part into the request.
func (b *jsonBody) take(part, whole reflect.Value) {
	for _, m := range b.moves {
		whole.FieldByIndex(m.whole).Set(part.FieldByIndex(m.part))
	}
}

// give returns a pointer to the part of a request, to be encoded.
func (b *jsonBody) give(whole reflect.Value) any {
	part := reflect.New(b.part)
	for _, m := range b.moves {
		part.Elem().FieldByIndex(m.part).Set(whole.FieldByIndex(m.whole))
	}
	return part.Interface()
}
