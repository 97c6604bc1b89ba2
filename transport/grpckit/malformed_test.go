package grpckit_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// garbage is a codec that sends what is no message.
type garbage struct{ encoding.CodecV2 }

func (garbage) Marshal(any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer("\x08")}, nil
}
func (garbage) Unmarshal(mem.BufferSlice, any) error { return nil }
func (garbage) Name() string                         { return "proto" }

func TestAMalformedMessage(t *testing.T) {
	addr := serve(t, grpckit.NewServer(), &echo{say: repeat, chat: repeatAll})
	client := echopb.NewEchoClient(dial(t, addr))
	_, err := client.Say(within(t), &echopb.Message{}, grpc.ForceCodecV2(garbage{}))
	if endpoint.CodeOf(err) != endpoint.Internal || !strings.Contains(err.Error(), "unmarshal") {
		t.Errorf("the error is %v", err)
	}
	s, err := client.Chat(within(t), grpc.ForceCodecV2(garbage{}))
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Send(&echopb.Message{})
	if _, err := s.Recv(); endpoint.CodeOf(err) != endpoint.Internal {
		t.Errorf("the error of the stream is %v", err)
	}
	if _, err := client.Say(within(t), &echopb.Message{}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAMalformedFrame(t *testing.T) {
	const preface, settings = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	t.Run("to our server", func(t *testing.T) {
		addr := serve(t, grpckit.NewServer(), &echo{say: repeat})
		client := echopb.NewEchoClient(dial(t, addr))
		for _, text := range []string{
			"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
			preface + "this is no frame at all",
			preface + settings + "\x00\x00\x05\x01\x04\x00\x00\x00\x01\xff\xff\xff\xff\xff", // HEADERS
			preface + settings + "\x00\x00\x01\x00\x00\x00\x00\x00\x07x",                    // DATA of no stream
		} {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatal(err)
			}
			// One that is too long is waited for, for as long as a handshake may take, and
			// the last is an error of a stream alone.
			if !strings.HasSuffix(text, "at all") && !strings.HasSuffix(text, "x") {
				_ = conn.SetReadDeadline(time.Now().Add(patience))
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the connection stays open after %q", text)
				}
			}
			if _, err := client.Say(within(t), &echopb.Message{}); err != nil {
				t.Errorf("others are told %v", err)
			}
		}
	})
	for name, wait := range map[string]bool{"to our client": true, "before it has called": false} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(conn, settings)
					if !wait || readRequest(conn) == nil {
						_, _ = io.WriteString(conn, "this is no frame at all")
					}
				}
			}()
			_, err = echopb.NewEchoClient(dial(t, l.Addr().String())).Say(within(t), &echopb.Message{})
			if endpoint.CodeOf(err) != endpoint.Unavailable {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// readRequest reads what a client of HTTP/2 sends, up to the headers of a request.
func readRequest(conn net.Conn) error {
	const preface, headers = 24, 1
	_, err := io.CopyN(io.Discard, conn, preface)
	for frame := make([]byte, 9); err == nil; { // its length in three bytes, and its type
		if _, err = io.ReadFull(conn, frame); err == nil {
			_, err = io.CopyN(io.Discard, conn, int64(frame[0])<<16|int64(frame[1])<<8|int64(frame[2]))
		}
		if err == nil && frame[3] == headers {
			return nil
		}
	}
	return err
}
