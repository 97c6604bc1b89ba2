package httpkit

import (
	"fmt"
	"go/token"
	"net/textproto"
	"reflect"
	"slices"
	"strings"
)

// framing headers are taken away or made by net/http; nothing can be bound to
// them.
var framing = []string{"Connection", "Content-Length", "Host", "Trailer", "Transfer-Encoding"}

// tagScan collects the bindings of a struct and of the structs it embeds, and
// every fault on the way.
type tagScan struct {
	bindings []binding
	faults   []string
	pointers []string // embedded by pointer: a fault only if there is a binding
}

// tagged reports whether a field has one of the tags that take it out of the
// JSON body.
func tagged(f reflect.StructField) bool {
	return slices.ContainsFunc(sourceTags[:], func(key string) bool {
		_, ok := f.Tag.Lookup(key)
		return ok
	})
}

// embeds reports whether encoding/json takes the fields of f for those of the
// struct round it.
func embeds(f reflect.StructField) bool {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return f.Anonymous && name == ""
}

func (s *tagScan) scan(t reflect.Type, parent []int) {
	for i := range t.NumField() {
		f, index := t.Field(i), append(slices.Clone(parent), i)
		switch {
		case tagged(f):
			s.add(t, f, index)
		case embeds(f) && f.Type.Kind() == reflect.Struct:
			s.scan(f.Type, index)
		case embeds(f) && f.Type.Kind() == reflect.Pointer:
			s.pointers = append(s.pointers, f.Name)
		}
	}
}

func (s *tagScan) add(t reflect.Type, f reflect.StructField, index []int) {
	var b binding
	count := 0
	for src, key := range sourceTags {
		if name, ok := f.Tag.Lookup(key); ok {
			b.source, b.name = source(src), name
			count++
		}
	}
	fault := func(format string, args ...any) {
		s.faults = append(s.faults, fmt.Sprintf("%v.%s: ", t, f.Name)+fmt.Sprintf(format, args...))
	}
	if count > 1 {
		fault("has more than one of the tags path, query and header")
		return
	}
	if why := b.checkName(); why != "" {
		fault("%s:%q: %s", sourceTags[b.source], b.name, why)
	}
	if !f.IsExported() {
		fault("a field that is not exported cannot be set")
	}
	if !b.setType(f.Type) {
		fault("%v cannot be bound to a %s", f.Type, sourceNames[b.source])
	}
	b.index = index
	for _, other := range s.bindings {
		if other.source == b.source && other.name == b.name {
			fault("%s is bound twice", &b)
		}
	}
	s.bindings = append(s.bindings, b)
}

// checkName puts the name in its canonical form and returns what is wrong with it.
func (b *binding) checkName() string {
	switch b.source {
	case inPath:
		if !token.IsIdentifier(b.name) && !token.IsKeyword(b.name) {
			return "a wildcard is named like a Go identifier"
		}
	case inQuery:
		if b.name == "" || b.name == "-" || strings.ContainsAny(b.name, ", ") {
			return "want the name of a parameter and nothing else"
		}
	case inHeader:
		if b.name == "-" || !validToken(b.name) {
			return "want the name of a header and nothing else"
		}
		b.name = textproto.CanonicalMIMEHeaderKey(b.name)
		if slices.Contains(framing, b.name) {
			return "this header belongs to the connection"
		}
	}
	return ""
}

func (b *binding) setType(t reflect.Type) (ok bool) {
	if b.text, ok = textFieldOf(t); ok {
		return true
	}
	switch {
	case t.Kind() == reflect.Pointer:
		b.shape, t = optional, t.Elem()
	case t.Kind() == reflect.Slice && b.source != inPath && t.Elem().Kind() != reflect.Uint8:
		b.shape, t = list, t.Elem()
	default:
		return false
	}
	b.text, ok = textFieldOf(t)
	return ok
}

// validToken reports whether s is a token of RFC 9110, section 5.6.2.
func validToken(s string) bool {
	for _, c := range []byte(s) {
		alnum := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}
