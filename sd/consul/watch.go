package consul

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dowelkit/dowel/sd"
)

// A watch yields sets by the law of sd.Instancer.
type watch struct {
	yield    func([]*sd.Instance, error) bool
	set      []*sd.Instance
	known    bool
	failed   bool
	reported map[string]bool // the malformed entries of the last answer
}

func (w *watch) fail(err error) bool {
	w.failed = true
	return w.yield(nil, err)
}

// tell yields the set that was found, after an error of what is newly malformed.
func (w *watch) tell(found []sd.Instance, bad []malformed) bool {
	if err := w.news(bad); err != nil && !w.fail(err) {
		return false
	}
	set := sd.NextSet(w.set, found)
	if w.known && !w.failed && slices.Equal(set, w.set) {
		return true
	}
	w.set, w.known, w.failed = set, true, false
	return w.yield(set, nil)
}

// shown is how many malformed entries an error names.
const shown = 10

func (w *watch) news(bad []malformed) error {
	var news []error
	n, reported := 0, make(map[string]bool, len(bad))
	for _, m := range bad {
		key := m.String()
		reported[key] = true
		if w.reported[key] {
			continue
		}
		if n++; n <= shown {
			news = append(news, errors.New(key))
		}
	}
	w.reported = reported
	if n == 0 {
		return nil
	}
	return fmt.Errorf("consul: %d %w: %w", n, ErrMalformed, errors.Join(news...))
}
