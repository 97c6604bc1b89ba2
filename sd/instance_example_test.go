package sd_test

import (
	"fmt"

	"github.com/dowelkit/dowel/sd"
)

// An adapter makes each set it yields of what it found and of the set before: what
// did not change keeps its pointer.
func ExampleNextSet() {
	one := sd.NextSet(nil, []sd.Instance{{Addr: "10.0.0.2:80"}, {Addr: "10.0.0.1:80"}})
	two := sd.NextSet(one, []sd.Instance{{Addr: "10.0.0.1:80"}, {Addr: "10.0.0.2:80", Weight: 3}})
	for i, in := range two {
		fmt.Println(in.ID, in.Weight, in == one[i])
	}
	// Output:
	// 10.0.0.1:80 0 true
	// 10.0.0.2:80 3 false
}
