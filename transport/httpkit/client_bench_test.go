package httpkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/dowelkit/dowel/transport/httpkit"
)

// BenchmarkClient is a typed endpoint beside net/http doing the same by hand.
func BenchmarkClient(b *testing.B) {
	base, _ := serve(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"text":"hello"}`)
	})
	b.Run("httpkit", func(b *testing.B) {
		e := httpkit.NewEndpoint[clientWord, clientWord](dial(b, base), "POST /x")
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e(b.Context(), clientWord{"hello"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("net-http", func(b *testing.B) {
		transport := &http.Transport{MaxIdleConnsPerHost: 256}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		b.ReportAllocs()
		for b.Loop() {
			if err := byHand(b, client, base); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func byHand(b *testing.B, client *http.Client, base string) error {
	data, err := json.Marshal(clientWord{"hello"})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/x", bytes.NewReader(data))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	var w clientWord
	return json.Unmarshal(body, &w)
}
