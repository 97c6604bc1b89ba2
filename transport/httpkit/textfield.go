package httpkit

import (
	"encoding"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// textField moves one field between its value and the text that stands in a
// path, a query or a header. The error of parse is fit for the caller: it
// completes the sentence "query parameter "limit" …".
type textField struct {
	parse  func(text string, into reflect.Value) error
	format func(from reflect.Value) (string, error) // from is addressable
}

var (
	durationType        = reflect.TypeFor[time.Duration]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

var (
	errWantBool     = errors.New("must be true or false")
	errWantWhole    = errors.New("must be a whole number")
	errWantNatural  = errors.New("must be a whole number that is not negative")
	errWantNumber   = errors.New("must be a number")
	errWantDuration = errors.New(`must be a duration such as "1.5s"`)
	errOutOfRange   = errors.New("is out of range")
)

// textFieldOf returns how values of t are read and written, and false if t is of
// no kind that has one text.
func textFieldOf(t reflect.Type) (textField, bool) {
	pointer := reflect.PointerTo(t)
	reads, writes := pointer.Implements(textUnmarshalerType), pointer.Implements(textMarshalerType)
	switch {
	case reads && writes && t.Kind() != reflect.Interface:
		return textField{parseText, formatText}, true
	case reads || writes: // its plain value is not its text
		return textField{}, false
	case t == durationType:
		return textField{parseDuration, formatDuration}, true
	}
	switch t.Kind() {
	case reflect.String:
		return textField{parseString, formatString}, true
	case reflect.Bool:
		return textField{parseBool, formatBool}, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return textField{parseInt, formatInt}, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return textField{parseUint, formatUint}, true
	case reflect.Float32, reflect.Float64:
		return textField{parseFloat, formatFloat}, true
	}
	return textField{}, false
}

// invalidText hides the text of a user's UnmarshalText, which often names Go
// types, and keeps it as the cause.
type invalidText struct{ cause error }

func (e *invalidText) Error() string { return "is not valid" }
func (e *invalidText) Unwrap() error { return e.cause }

func parseText(text string, into reflect.Value) error {
	if err := into.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
		return &invalidText{err}
	}
	return nil
}

func formatText(from reflect.Value) (string, error) {
	text, err := from.Addr().Interface().(encoding.TextMarshaler).MarshalText()
	return string(text), err
}

func parseDuration(text string, into reflect.Value) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return errWantDuration
	}
	into.SetInt(int64(d))
	return nil
}

func formatDuration(from reflect.Value) (string, error) {
	return time.Duration(from.Int()).String(), nil
}

func parseString(text string, into reflect.Value) error { into.SetString(text); return nil }
func formatString(from reflect.Value) (string, error)   { return from.String(), nil }
func formatBool(from reflect.Value) (string, error)     { return strconv.FormatBool(from.Bool()), nil }
func formatInt(from reflect.Value) (string, error)      { return strconv.FormatInt(from.Int(), 10), nil }
func formatUint(from reflect.Value) (string, error)     { return strconv.FormatUint(from.Uint(), 10), nil }

func parseBool(text string, into reflect.Value) error {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return errWantBool
	}
	into.SetBool(b)
	return nil
}

func parseInt(text string, into reflect.Value) error {
	n, err := strconv.ParseInt(text, 10, into.Type().Bits())
	if err != nil {
		return numberError(err, errWantWhole)
	}
	into.SetInt(n)
	return nil
}

func parseUint(text string, into reflect.Value) error {
	n, err := strconv.ParseUint(text, 10, into.Type().Bits())
	if err != nil {
		return numberError(err, errWantNatural)
	}
	into.SetUint(n)
	return nil
}

// parseFloat takes decimal numbers: no NaN and no infinity, which slip through
// comparisons, and neither the hexadecimal digits nor the underscores of Go.
func parseFloat(text string, into reflect.Value) error {
	if strings.ContainsAny(text, "_xX") {
		return errWantNumber
	}
	f, err := strconv.ParseFloat(text, into.Type().Bits())
	if err != nil {
		return numberError(err, errWantNumber)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return errWantNumber
	}
	into.SetFloat(f)
	return nil
}

func formatFloat(from reflect.Value) (string, error) {
	f := from.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "", errWantNumber
	}
	return strconv.FormatFloat(f, 'g', -1, from.Type().Bits()), nil
}

func numberError(err, syntax error) error {
	if errors.Is(err, strconv.ErrRange) {
		return errOutOfRange
	}
	return syntax
}
