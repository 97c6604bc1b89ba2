package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	s, err := parse([]string{"-rounds", "5", "-slice", "3ms", "-run", "pick.*parallel"})
	if err != nil || s.plan.Rounds != 5 || s.plan.Slice != 3*time.Millisecond || s.write ||
		!s.only.MatchString("Pick, random, parallel") || s.only.MatchString("Retry") {
		t.Errorf("settings are %+v, %v", s, err)
	}
	if s, err := parse([]string{"-write"}); err != nil || !s.write || !s.only.MatchString("any") {
		t.Errorf("settings are %+v, %v", s, err)
	}
	if s, err := parse([]string{"-cpu"}); err != nil && !errors.Is(err, errors.ErrUnsupported) || err == nil && s.plan.Clock == nil {
		t.Errorf("settings are %+v, %v", s, err)
	}
	_, err = parse([]string{"-rounds", "0", "-slice", "-1s", "-write", "-run", "(", "more"})
	for _, want := range []string{"-rounds", "-slice", "-run", "-write", `"more"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func TestRunPrintsTheGroupsAskedFor(t *testing.T) {
	var b strings.Builder
	if err := run(t.Context(), []string{"-run", "^middleware$", "-rounds", "1", "-slice", "1us"}, &b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Middleware\n", "Go kit", "noise", "budgets kept"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "Retry") {
		t.Errorf("more than asked for:\n%s", b.String())
	}
	if err := run(t.Context(), []string{"-run", "nobody"}, &b); err == nil {
		t.Error("no error if nothing matches")
	}
}
