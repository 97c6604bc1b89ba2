package sd_test

import (
	"context"
	"iter"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

func TestShareWatchesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed()
		s := sd.Share(f)
		synctest.Wait()
		if f.begun != 0 {
			t.Fatal("the watch began before the first consumer")
		}
		first, second := record(t, s), record(t, s)
		synctest.Wait()
		f.say("x")
		expect(t, first, "[x]")
		expect(t, second, "[x]")
		if first.last[0] != second.last[0] {
			t.Error("two consumers got two pointers")
		}
		f.say("x", "y")
		expect(t, first, "[x y]")
		late := record(t, s)
		expect(t, late, "[x y]") // at once
		if f.begun != 1 {
			t.Errorf("the source was watched %d times", f.begun)
		}
		first.stop()
		late.stop()
		if f.live != 1 {
			t.Error("the watch did not outlive the first consumer")
		}
		second.stop()
		if f.live != 0 {
			t.Error("the watch outlived the last consumer")
		}
		f.say("z")
		expect(t, record(t, s), "[z]")
		if f.begun != 2 {
			t.Errorf("the source was watched %d times", f.begun)
		}
	})
}

func TestShareShowsTheSetDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed()
		s := sd.Share(f)
		first := record(t, s)
		f.say("x")
		expect(t, first, "[x]")
		f.fail("down")
		expect(t, first, "!down")
		expect(t, record(t, s), "[x] !down")
		f.say("x")
		expect(t, first, "[x]")
		expect(t, record(t, s), "[x]")
	})
}

func TestSharePanicReachesEveryConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed()
		s := sd.Share(f)
		first, second := record(t, s), record(t, s)
		f.say("x")
		expect(t, first, "[x]")
		hold := make(chan struct{})
		second.setHold(hold)
		f.say("y")
		expect(t, first, "[y]")
		f.do(func() { panic("boom") })
		expect(t, first, "panic: boom")
		expect(t, record(t, s), "[y]") // it starts anew
		second.setHold(nil)
		close(hold)
		expect(t, second, "[x] [y] panic: boom")
	})
}

func TestShareConsumersDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed()
		s := sd.Share(f)
		slow, fast := record(t, s), record(t, s)
		hold := make(chan struct{})
		slow.setHold(hold)
		f.say("x")
		expect(t, fast, "[x]")
		f.say("y")
		f.say("z")
		expect(t, fast, "[z]") // both came between two looks
		slow.setHold(nil)
		close(hold)
		expect(t, slow, "[x] [z]")
	})
}

// The next watch of a source that is slow to end waits for it, and its consumer
// can leave meanwhile.
func TestShareNeverWatchesTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var live atomic.Int32
		s := sd.Share(sd.InstancerFunc(func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
			return func(yield func([]*sd.Instance, error) bool) {
				if live.Add(1) > 1 {
					t.Error("two watches at once")
				}
				defer live.Add(-1)
				if yield(nil, nil) {
					<-ctx.Done()
				}
				time.Sleep(time.Second)
			}
		}))
		first := record(t, s)
		expect(t, first, "[]")
		first.cancel()
		synctest.Wait()
		impatient, patient := record(t, s), record(t, s)
		synctest.Wait()
		impatient.stop()
		expect(t, patient, "")
		time.Sleep(time.Second)
		expect(t, patient, "[]")
	})
}

func TestShareConcurrentSafe(t *testing.T) {
	f := newFeed()
	f.say("0")
	s := sd.Share(f)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			if i%5 == 0 {
				f.fail("down")
			}
			f.say("0", string(rune('a'+i%26)))
		}
	})
	var consumers sync.WaitGroup
	for range 8 {
		consumers.Go(func() {
			for range 50 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				sets, enough := 0, 1+rand.IntN(3)
				for set, err := range s.Watch(ctx) {
					if err == nil && len(set) == 0 {
						t.Error("an empty set")
					}
					if err == nil {
						sets++
					}
					if sets == enough {
						break
					}
				}
				if sets < enough {
					t.Errorf("%d of %d sets in a minute", sets, enough)
				}
				cancel()
			}
		})
	}
	consumers.Wait()
	close(done)
	wg.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live != 0 || f.most != 1 {
		t.Errorf("%d watches are left, %d were there at once", f.live, f.most)
	}
}

func expect(t *testing.T, tp *tape, want string) {
	t.Helper()
	if got := tp.take(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
