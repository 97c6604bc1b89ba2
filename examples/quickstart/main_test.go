package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/examples/internal/output"
)

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "in.txt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestQuickstartHidesEveryTrouble(t *testing.T) {
	text := strings.Repeat("hello\n\nwörld \xff \"quoted\" <&>\n", 40)
	var out bytes.Buffer
	if err := run(t.Context(), &out, file(t, text), false, false); err != nil {
		t.Errorf("run: %v\n%s", err, &out)
	}
	for _, want := range []string{
		"240 calls   0 failures seen by the caller   0 wrong answers",
		"a is killed", "b turns slow", "d serves", "c fails every call", "joined late",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output has no %q:\n%s", want, &out)
		}
	}
	for _, trouble := range []string{`[1-9]\d* retries`, `[1-9]\d* refusals by breakers`} {
		if !regexp.MustCompile(trouble).Match(out.Bytes()) {
			t.Errorf("no trouble was met, %q is missing:\n%s", trouble, &out)
		}
	}
}

func TestQuickstartRefusesBadInput(t *testing.T) {
	for name, in := range map[string]string{
		"no such file":  filepath.Join(t.TempDir(), "none"),
		"has no lines":  file(t, ""),
		"line 2 of":     file(t, "short\n"+strings.Repeat("x", 1<<20)),
		"is a director": t.TempDir(),
	} {
		err := run(t.Context(), new(bytes.Buffer), in, false, false)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error is %v, want %q", err, name)
		}
	}
}

func TestQuickstartKeepsToWhatItCanSendInTime(t *testing.T) {
	for _, tt := range []struct {
		name  string
		text  string
		lines int
		cut   bool
	}{
		{"as many as may be", strings.Repeat("x\n", maxLines), maxLines, false},
		{"too many", strings.Repeat("x\n", maxLines+1), maxLines, true},
		{"too long", strings.Repeat(strings.Repeat("x", 1<<17)+"\n", 200), maxBytes >> 17, true},
		{"not UTF-8", "a\xffb\nc", 2, false},
	} {
		lines, cut, err := readLines(file(t, tt.text))
		if len(lines) != tt.lines || cut != tt.cut || err != nil {
			t.Errorf("%s: %d lines, cut %t, %v; want %d, %t", tt.name, len(lines), cut, err, tt.lines, tt.cut)
		}
		if len(lines) == 2 && lines[0] != "a\uFFFDb" {
			t.Errorf("%s: the line is %q", tt.name, lines[0])
		}
	}
}

func TestQuickstartStopsWhenItIsToldTo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var calls atomic.Int64
	uppercase := func(_ context.Context, r UppercaseRequest) (UppercaseResponse, error) {
		if calls.Add(1) >= 100 { // each, for one alone may be held up before it does
			cancel()
		}
		return Service{}.Uppercase(ctx, r)
	}
	send(ctx, slices.Repeat([]string{"hello"}, maxLines), new(Tally), uppercase, Service{}.Count, func(int64) {})
	if n := calls.Load(); n > 200 {
		t.Errorf("%d lines were sent, told to stop at the 100th", n)
	}
}

func TestQuickstartGoesOnServing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out output.Buffer
	done := make(chan error, 1)
	go func() { done <- run(ctx, &out, file(t, "hello\n"), false, true) }()
	url := regexp.MustCompile(`http://\S+/uppercase`)
	for end := time.Now().Add(time.Minute); !url.MatchString(out.String()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no address to play with:\n%s", out.String())
		}
	}
	resp, err := http.Post(url.FindString(out.String()), "application/json", strings.NewReader(`{"text":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil || strings.TrimSpace(body.String()) != `{"text":"HELLO"}` {
		t.Errorf("answer is %d %s, %v", resp.StatusCode, &body, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func Example_typedErrors() {
	_, err := Service{}.Uppercase(context.Background(), UppercaseRequest{})
	fmt.Println(err)
	// Output: invalid_argument [EMPTY_TEXT]: the text is empty
}
