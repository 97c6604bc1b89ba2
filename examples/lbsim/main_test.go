package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheComparisonIsPrintedAndDrawn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.svg")
	var out bytes.Buffer
	if err := run(t.Context(), &out, "a-linkerd", 1, file, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a-linkerd: ", "least request", "round robin", "omniscient  100.000 %"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "c-gc") {
		t.Error("more was run than was asked for")
	}
	svg, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheOutputIsTheSameEachTime(t *testing.T) {
	var outputs [2]bytes.Buffer
	for i := range outputs {
		if err := run(t.Context(), &outputs[i], "a-linkerd", 1, "", false); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := outputs[0].String(), outputs[1].String(); a != b {
		t.Errorf("first\n%s\nand then\n%s", a, b)
	}
}

func TestEveryScenarioHasASource(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out, "", 1, "", true); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "\n    "); got < 10 {
		t.Errorf("%d sources:\n%s", got, &out)
	}
}

func TestBadFlagsAreRefused(t *testing.T) {
	for want, err := range map[string]error{
		"there are a-linkerd, b-finagle": run(t.Context(), new(bytes.Buffer), "nonsense", 1, "", false),
		"0 seeds":                        run(t.Context(), new(bytes.Buffer), "a-linkerd", 0, "", false),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	if err := run(t.Context(), new(bytes.Buffer), "f-hung", 1, t.TempDir(), false); !errors.As(err, new(*os.PathError)) {
		t.Errorf("error is %v", err)
	}
}
