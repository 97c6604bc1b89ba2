package httpkit_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// frame is an HTTP/2 frame, RFC 9113, section 4.1.
func frame(kind, flags byte, stream uint32, payload ...byte) []byte {
	b := []byte{0, 0, byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

const (
	headersFrame, resetFrame, settingsFrame, goAwayFrame = 1, 3, 4, 7
	refusedStream, internalError                         = 7, 2
)

// http2Client is a client of a server that answers each request by what answer
// returns, and closes the connection then if it is told to. Between them is a
// pipe, so that they can live in fake time.
func http2Client(answer func(stream uint32) (frames []byte, hangUp bool)) *http.Client {
	transport := &http.Transport{
		Protocols: new(http.Protocols),
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go speakHTTP2(server, answer)
			return client, nil
		},
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: transport}
}

func speakHTTP2(conn net.Conn, answer func(uint32) ([]byte, bool)) {
	out := make(chan []byte, 100) // a pipe holds nothing by itself
	defer func() {
		close(out)
		_, _ = io.Copy(io.Discard, conn) // until all is written
	}()
	go func() {
		defer conn.Close()
		for frames := range out {
			if _, err := conn.Write(frames); err != nil {
				return
			}
		}
	}()
	if _, err := io.ReadFull(conn, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	out <- frame(settingsFrame, 0, 0)
	for {
		var head [9]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		size := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		if _, err := io.CopyN(io.Discard, conn, size); err != nil {
			return
		}
		if head[3] != headersFrame {
			continue
		}
		frames, hangUp := answer(binary.BigEndian.Uint32(head[5:]))
		if out <- frames; hangUp {
			return
		}
	}
}

func TestClientHTTP2(t *testing.T) {
	tests := []struct {
		name         string
		answer       func(stream uint32) ([]byte, bool)
		code         endpoint.Code
		notProcessed bool
	}{
		{"refused stream", func(s uint32) ([]byte, bool) {
			return frame(resetFrame, 0, s, 0, 0, 0, refusedStream), false
		}, endpoint.Unavailable, true},
		{"another reset", func(s uint32) ([]byte, bool) {
			return frame(resetFrame, 0, s, 0, 0, 0, internalError), false
		}, endpoint.Unavailable, false},
		{"goes away in the middle", func(s uint32) ([]byte, bool) {
			last := binary.BigEndian.AppendUint32(nil, s)
			return frame(goAwayFrame, 0, 0, append(last, 0, 0, 0, internalError)...), true
		}, endpoint.Unavailable, false},
		{"hangs up", func(uint32) ([]byte, bool) { return nil, true }, endpoint.Unavailable, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				own := http2Client(tt.answer)
				defer own.CloseIdleConnections()
				// net/http repeats a refused stream for a minute.
				err := callX(t.Context(), t, "http://h", httpkit.HTTPClient(own), httpkit.ClientTimeout(time.Hour))
				e, _ := errors.AsType[*endpoint.Error](err)
				if e == nil || e.Code != tt.code || e.NotProcessed != tt.notProcessed {
					t.Errorf("got %#v: %v", e, err)
				}
			})
		})
	}
}
