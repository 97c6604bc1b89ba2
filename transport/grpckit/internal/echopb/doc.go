// Package echopb is the generated code of the service of grpckit's tests.
package echopb

//go:generate env GOWORK=off go -C ../../../../tools/protogen run . -dir=../../transport/grpckit/internal/echopb echo.proto
