package dns_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd/dns"
)

// A fake is a resolver whose answers the test sets.
type fake struct {
	mu      sync.Mutex
	records []*net.SRV
	addrs   []netip.Addr
	err     error
	slow    time.Duration
	asked   []time.Duration
	begin   time.Time
}

func (f *fake) set(err error, records ...*net.SRV) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records, f.err = records, err
}

func (f *fake) ask(ctx context.Context) error {
	f.mu.Lock()
	f.asked = append(f.asked, time.Since(f.begin))
	err, slow := f.err, f.slow
	f.mu.Unlock()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func (f *fake) LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error) {
	err := f.ask(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	rand.Shuffle(len(f.records), func(i, j int) { f.records[i], f.records[j] = f.records[j], f.records[i] })
	return name, slices.Clone(f.records), err
}

func (f *fake) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return f.addrs, f.ask(ctx)
}

func record(weight uint16, target string) *net.SRV {
	return &net.SRV{Target: target, Port: 80, Weight: weight}
}

// watchFor notes what a watch of f yields for as long as d, in a bubble.
func watchFor(t *testing.T, f *fake, d time.Duration, opts ...dns.Option) []string {
	f.begin = time.Now()
	in := must(t)(dns.NewInstancer("web.test", append(opts, dns.WithResolver(f))...))
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var seen []string
	for set, err := range in.Watch(ctx) {
		seen = append(seen, text(set, err))
	}
	return seen
}

func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		f.set(nil, record(1, "a."), record(2, "b."))
		time.AfterFunc(10*time.Minute, func() { f.set(nil, record(1, "a."), record(3, "b.")) })
		seen := watchFor(t, f, 200*time.Minute)
		if got, want := strings.Join(seen, " "), "[a:80*1 b:80*2] [a:80*1 b:80*3]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		low, high := time.Hour, time.Duration(0)
		for i := 1; i < len(f.asked); i++ {
			gap := f.asked[i] - f.asked[i-1]
			low, high = min(low, gap), max(high, gap)
		}
		if low < 24*time.Second || low > 27*time.Second || high > 36*time.Second || high < 33*time.Second {
			t.Errorf("gaps from %v to %v, want 24 s to 36 s", low, high)
		}
	})
}

// An interval that stands for never is not cut short by its own jitter.
func TestRefreshNever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 {
			f := &fake{}
			f.set(nil, record(1, "a."))
			watchFor(t, f, time.Hour, dns.Interval(math.MaxInt64))
			if len(f.asked) != 1 {
				t.Fatalf("%d lookups", len(f.asked))
			}
		}
	})
}

func TestErrorsAreToldBesideTheSet(t *testing.T) {
	gone := &net.DNSError{Err: "no such host", IsNotFound: true}
	tests := map[string]struct {
		err  error
		want string
	}{
		"a failure":        {errors.New("down"), "error: dns: down"},
		"a timeout":        {&net.DNSError{Err: "i/o timeout", IsTimeout: true, Name: "web.test"}, "error: dns: lookup web.test: i/o timeout"},
		"no such name":     {gone, "[]"},
		"no such, wrapped": {errors.Join(errors.New("x"), gone), "[]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{}
				f.set(nil, record(1, "a."))
				time.AfterFunc(time.Minute, func() { f.set(tt.err) })
				time.AfterFunc(2*time.Minute, func() { f.set(nil, record(1, "a.")) })
				seen := watchFor(t, f, 4*time.Minute)
				if seen[0] != "[a:80*1]" || seen[len(seen)-1] != "[a:80*1]" || len(seen) < 3 {
					t.Fatalf("saw %q", seen)
				}
				for _, s := range seen[1 : len(seen)-1] {
					if s != tt.want {
						t.Errorf("saw %q between, want %q", s, tt.want)
					}
				}
			})
		})
	}
}

func TestFailuresAreRepeatedSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		f.set(errors.New("down"))
		watchFor(t, f, 30*time.Second, dns.Interval(time.Minute))
		if n := len(f.asked); n < 3 || n > 60 {
			t.Errorf("%d lookups in half an interval", n)
		}
		// The backoff ends at the interval: the mean wait is half of it.
		f = &fake{}
		f.set(errors.New("down"))
		watchFor(t, f, 1000*time.Minute, dns.Interval(time.Minute))
		if n := len(f.asked); n < 1500 || n > 2700 {
			t.Errorf("%d lookups in 1000 intervals", n)
		}
	})
}

func TestLookupTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{slow: time.Hour}
		seen := watchFor(t, f, 14*time.Second)
		if len(seen) != 0 {
			t.Errorf("saw %q before the timeout", seen)
		}
		seen = watchFor(t, f, 16*time.Second)
		if len(seen) != 1 || seen[0] != "error: dns: context deadline exceeded" {
			t.Errorf("saw %q", seen)
		}
		if seen = watchFor(t, f, 3*time.Second, dns.Timeout(2*time.Second)); len(seen) != 1 {
			t.Errorf("saw %q", seen)
		}
	})
}

// What a resolver returns may be shared with others.
func TestRecordsAreNotWrittenTo(t *testing.T) {
	records := []*net.SRV{nil, record(1, "c."), record(2, "B."), nil, record(3, "a.")}
	before := slices.Clone(records)
	in := must(t)(dns.NewInstancer("web.test", dns.WithResolver(shared(records))))
	if got := look(t, in); got != "[a:80*3 b:80*2 c:80*1]" {
		t.Errorf("got %s", got)
	}
	if !slices.Equal(records, before) || records[2].Target != "B." {
		t.Errorf("the records are now %v", records)
	}
}

// shared is a resolver that always returns the same slice.
type shared []*net.SRV

func (s shared) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", s, nil
}

func (s shared) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) { return nil, nil }

// Records beside an error are as good as any.
func TestPartialAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		f.set(errors.New("malformed records"), record(1, "a."), nil)
		if seen := watchFor(t, f, time.Hour); len(seen) != 1 || seen[0] != "[a:80*1]" {
			t.Errorf("saw %q", seen)
		}
	})
}

// While the consumer is busy time passes; when it comes back it gets what is new
// then, without another wait.
func TestSlowConsumerGetsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{begin: time.Now()}
		f.set(nil, record(1, "a."))
		in := must(t)(dns.NewInstancer("web.test", dns.WithResolver(f)))
		var back time.Time
		for set, err := range in.Watch(t.Context()) {
			if !back.IsZero() {
				if got := text(set, err); got != "[c:80*1]" || time.Since(back) > 0 {
					t.Errorf("got %s after %v", got, time.Since(back))
				}
				break
			}
			f.set(nil, record(1, "b."))
			time.Sleep(time.Hour)
			f.set(nil, record(1, "c."))
			back = time.Now()
		}
		if len(f.asked) != 2 {
			t.Errorf("%d lookups", len(f.asked))
		}
	})
}

func TestInstancerConcurrentSafe(t *testing.T) {
	f := &fake{}
	f.set(nil, record(1, "a."), record(2, "b."), record(2, "a."))
	in := must(t)(dns.NewInstancer("web.test", dns.WithResolver(f)))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got := look(t, in); got != "[a:80*2 b:80*2]" {
					t.Errorf("got %s", got)
				}
			}
		})
	}
	wg.Wait()
}
