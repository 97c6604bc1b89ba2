package rows_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/benchmarks/internal/rows"
)

var servers = map[string]http.Handler{
	"httpkit": rows.HTTPKitServer(), "plain": rows.PlainServer(), "travel": rows.TravelServer(), "Go kit": rows.KitServer(),
}

var clients = map[string]rows.Dialer{
	"httpkit": rows.HTTPKitClient, "plain": rows.PlainClient, "travel": rows.TravelClient, "Go kit": rows.AsTyped(rows.KitClient),
}

func TestEveryClientGetsTheSameOfEveryServer(t *testing.T) {
	for server, h := range servers {
		url, stop := rows.Serve(h)
		defer stop()
		for client, dial := range clients {
			e, hangUp, err := dial(url)
			if err != nil {
				t.Fatal(err)
			}
			defer hangUp()
			got, err := e(t.Context(), rows.Message{Text: "<ä>", N: 41})
			if want := (rows.Message{Text: "<ä>", N: 42}); got != want || err != nil {
				t.Errorf("%s of %s: %+v, %v", client, server, got, err)
			}
		}
	}
}

// What travels between two ends of httpkit travels between those by hand.
func TestTheSameTravels(t *testing.T) {
	for _, name := range []string{"httpkit", "travel"} {
		var timeout, id string
		url, stop := rows.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			timeout = r.Header.Get("X-Request-Timeout-Ms")
			servers[name].ServeHTTP(w, r)
			id = w.Header().Get("X-Request-Id")
		}))
		defer stop()
		e, hangUp, err := clients[name](url)
		if err != nil {
			t.Fatal(err)
		}
		defer hangUp()
		if _, err := e(t.Context(), rows.Message{Text: "x"}); err != nil {
			t.Fatal(err)
		}
		if len(timeout) != len("29999") || timeout < "29000" || len(id) < 20 {
			t.Errorf("%s sends a timeout of %q ms and an ID of %q", name, timeout, id)
		}
	}
}

func TestServersHaveTheSameLimits(t *testing.T) {
	const right, json = `{"Text":"x","N":1}`, "application/json"
	for _, tt := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"right", json, right, 200},
		{"a parameter", "application/json; charset=utf-8", right, 200},
		{"a suffix", "application/hal+json", right, 200},
		{"no type", "", right, 415},
		{"another type", "text/plain", right, 415},
		{"no type of all", ";", right, 415},
		{"nothing", json, "", 400},
		{"cut off", json, right[:9], 400},
		{"a wrong type", json, `{"N":"x"}`, 400},
		{"two values", json, right + right, 400},
		{"just not too large", json, right + strings.Repeat(" ", 1<<20-len(right)), 200},
		{"too large", json, right + strings.Repeat(" ", 1<<20-len(right)+1), 413},
	} {
		for _, name := range []string{"httpkit", "plain"} {
			url, stop := rows.Serve(servers[name])
			defer stop()
			r, _ := http.NewRequest("POST", url+"/greet", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.contentType)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Errorf("%s answers %d to %s, want %d", name, resp.StatusCode, tt.name, tt.status)
			}
			if resp.StatusCode == 200 && (resp.ContentLength <= 0 || resp.Header.Get("Content-Type") != json) {
				t.Errorf("%s answers with %d bytes of %q", name, resp.ContentLength, resp.Header.Get("Content-Type"))
			}
		}
	}
}

func TestClientsHaveTheSameLimits(t *testing.T) {
	const answer = `{"Text":"x","N":1}`
	for _, tt := range []struct {
		name   string
		status int
		body   string
		ok     bool
	}{
		{"right", 200, answer, true},
		{"an error", 500, answer, false},
		{"a redirect", 302, answer, false},
		{"garbage", 200, "<html>", false},
		{"two values", 200, answer + answer, false},
		{"just not too large", 200, answer + strings.Repeat(" ", 1<<20-len(answer)), true},
		{"too large", 200, answer + strings.Repeat(" ", 1<<20-len(answer)+1), false},
	} {
		url, stop := rows.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength <= 0 || r.Header.Get("Content-Type") != "application/json" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Location", "/greet")
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(tt.body))
		}))
		defer stop()
		for _, name := range []string{"httpkit", "plain"} {
			e, hangUp, err := clients[name](url)
			if err != nil {
				t.Fatal(err)
			}
			defer hangUp()
			if _, err := e(t.Context(), rows.Message{}); (err == nil) != tt.ok {
				t.Errorf("%s makes of %s the error %v", name, tt.name, err)
			}
		}
	}
}
