package memory_test

import (
	"fmt"
	"iter"
	"testing"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
)

// BenchmarkChange is one change of weight in a set, from the registration to three
// watches.
func BenchmarkChange(b *testing.B) {
	for _, size := range []int{100, 10_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			registry := memory.NewRegistry()
			all := make([]sd.Instance, size)
			for i := range all {
				all[i] = sd.Instance{ID: fmt.Sprintf("i-%05d", i), Addr: "h:1", Meta: map[string]string{"version": "1"}}
			}
			if err := registry.Set("s", all...); err != nil {
				b.Fatal(err)
			}
			r, err := registry.Registrar("s").Register(b.Context(), sd.Instance{ID: "i-00050", Addr: "h:1"})
			if err != nil {
				b.Fatal(err)
			}
			var watches []func() ([]*sd.Instance, error, bool)
			for range 3 {
				next, stop := iter.Pull2(registry.Instancer("s").Watch(b.Context()))
				defer stop()
				next()
				watches = append(watches, next)
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if err := r.Update(b.Context(), sd.Instance{ID: "i-00050", Addr: "h:1", Weight: 2 + n}); err != nil {
					b.Fatal(err)
				}
				for _, next := range watches {
					next()
				}
			}
		})
	}
}
