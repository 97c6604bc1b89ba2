package main

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/dowelkit/dowel/endpoint"
)

// Service is the business logic: a plain Go value with typed methods. It knows
// nothing of HTTP, JSON, discovery or retries.
type Service struct{}

// ErrEmpty is an error that callers can tell apart, on either side of the wire:
// errors.Is(err, ErrEmpty) holds for what a client gets, too.
var ErrEmpty = &endpoint.Error{
	Code: endpoint.InvalidArgument, Reason: "EMPTY_TEXT", Message: "the text is empty",
}

type UppercaseRequest struct {
	Text string `json:"text"`
}

type UppercaseResponse struct {
	Text string `json:"text"`
}

// Uppercase returns the text in upper case.
func (Service) Uppercase(_ context.Context, r UppercaseRequest) (UppercaseResponse, error) {
	if r.Text == "" {
		return UppercaseResponse{}, ErrEmpty
	}
	return UppercaseResponse{Text: strings.ToUpper(r.Text)}, nil
}

type CountRequest struct {
	Text string `json:"text"`
}

type CountResponse struct {
	Characters int `json:"characters"`
}

// Count returns the number of characters in the text.
func (Service) Count(_ context.Context, r CountRequest) (CountResponse, error) {
	return CountResponse{Characters: utf8.RuneCountInString(r.Text)}, nil
}
