package static_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
)

// folder makes the changes of a file that a watch has to see.
type folder struct {
	t    *testing.T
	path string
}

func (f folder) write(text string) { f.must(os.WriteFile(f.path, []byte(text), 0o600)) }
func (f folder) remove()           { f.must(os.RemoveAll(f.path)) }
func (f folder) swap(text string) {
	next := f.path + ".next"
	f.must(os.WriteFile(next, []byte(text), 0o600))
	f.must(os.Rename(next, f.path))
}

func (f folder) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// watched collects what a watch yields, errors as their text after "!".
type watched struct {
	mu     sync.Mutex
	events []string
}

func collect(t *testing.T, instancer sd.Instancer) *watched {
	w := new(watched)
	go func() {
		for set, err := range instancer.Watch(t.Context()) {
			text := ids(set)
			if err != nil {
				text = "!" + err.Error()
			}
			w.mu.Lock()
			w.events = append(w.events, text)
			w.mu.Unlock()
		}
	}()
	return w
}

func (w *watched) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	events := w.events
	w.events = nil
	return events
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "instances.json")
	synctest.Test(t, func(t *testing.T) {
		f := folder{t, path}
		w := collect(t, static.NewFile(path))
		for i, step := range []struct {
			do   func()
			want []string // by prefix
		}{
			{func() {}, []string{"!static: " + path}},
			{func() { f.write(`[{"id":"a","addr":"h:1"}]`) }, []string{"a"}},
			// The same size within one tick of the file system's clock.
			{func() { f.write(`[{"id":"b","addr":"h:1"}]`) }, []string{"b"}},
			{func() { f.swap(`[{"id":"c","addr":"h:1"}]`) }, []string{"c"}},
			{func() { f.write(`[{"id":"c","ad`) }, []string{"!static: " + path + ": not a list"}},
			{func() { f.swap(`[{"id":"c","addr":"h:1"}]`) }, []string{"c"}}, // healed, so yielded once more
			{func() { f.write(" [ {\"id\":\"c\",\n\"addr\":\"h:1\"}]") }, nil},
			{func() { f.write(`[]`) }, []string{""}},
			{func() { f.write(``) }, []string{"!static: " + path}},
			{func() { f.remove() }, []string{"!static: " + path}},
			{func() { f.remove(); f.write(strings.Repeat(" ", 16<<20) + "[]") }, []string{"!static: " + path + ": larger than"}},
			{func() { f.remove(); f.must(os.Mkdir(path, 0o700)) }, []string{"!static: " + path + ": not a regular file"}},
			{func() { f.remove(); f.write(`[{"id":"d","addr":"h:1"}]`) }, []string{"d"}},
		} {
			step.do()
			time.Sleep(20 * time.Second)
			synctest.Wait()
			if got := w.take(); !slices.EqualFunc(got, step.want, strings.HasPrefix) {
				t.Errorf("step %d: the watch yields %q, want %q", i, got, step.want)
			}
		}
	})
}

func TestFileKeepsPointers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "instances.json")
	f := folder{t, path}
	f.write(`[{"id":"a","addr":"h:1"},{"id":"b","addr":"h:2","meta":{"k":"v"}}]`)
	var first []*sd.Instance
	for set := range static.NewFile(path, static.Every(time.Millisecond)).Watch(t.Context()) {
		if first == nil {
			first = set
			f.swap(`[{"id":"b","addr":"h:2","meta":{"k":"v"}},{"id":"a","addr":"h:1","weight":2}]`)
			continue
		}
		if set[1] != first[1] || set[0] == first[0] || set[0].Weight != 2 {
			t.Errorf("%v after %v: a changed and b did not", set, first)
		}
		break
	}
}

// The waits differ, or a thousand processes would read in step.
func TestFileIsReadWithJitter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "instances.json")
	synctest.Test(t, func(t *testing.T) {
		f := folder{t, path}
		f.write(`[]`)
		seen := make(map[time.Duration]bool)
		for range 20 {
			start := time.Now()
			for set := range static.NewFile(path, static.Every(time.Minute)).Watch(t.Context()) {
				if len(set) == 0 {
					f.swap(`[{"addr":"h:1"}]`)
					continue
				}
				wait := time.Since(start)
				if seen[wait] = true; wait < 45*time.Second || wait > 75*time.Second {
					t.Errorf("it was read after %v; want 45 to 75 s", wait)
				}
				break
			}
			f.swap(`[]`)
		}
		if len(seen) < 15 {
			t.Errorf("20 waits have %d lengths only", len(seen))
		}
	})
}

// An interval that stands for never is not cut short by its own jitter.
func TestFileIsReadOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "instances.json")
	synctest.Test(t, func(t *testing.T) {
		f := folder{t, path}
		for range 20 {
			f.swap(`[]`)
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			for set := range static.NewFile(path, static.Every(math.MaxInt64)).Watch(ctx) {
				if len(set) > 0 {
					t.Fatal("it was read again")
				}
				f.swap(`[{"addr":"h:1"}]`)
			}
			cancel()
		}
	})
}

func TestFileMisuse(t *testing.T) {
	defer func() {
		text, _ := recover().(string)
		for _, part := range []string{"the path is empty", "not -1s", "option 2 is nil"} {
			if !strings.Contains(text, part) {
				t.Errorf("the panic %q does not say %s", text, part)
			}
		}
	}()
	static.NewFile("", static.Every(-time.Second), nil)
}
