package sd

// Set is the live nodes of an [Endpointer] at one moment, with the client of
// each. It is immutable and sorted by instance ID; the pointer tells one set from
// the next. A nil *Set is empty.
type Set[C any] struct {
	nodes   []*Node
	clients []C // parallel to nodes
}

// Len returns the number of nodes.
func (s *Set[C]) Len() int {
	if s == nil {
		return 0
	}
	return len(s.nodes)
}

// Nodes returns the nodes. The slice must not be written to.
func (s *Set[C]) Nodes() []*Node {
	if s == nil {
		return nil
	}
	return s.nodes
}

// Node returns the node at i. It panics if i is out of range.
func (s *Set[C]) Node(i int) *Node { return s.nodes[i] }

// Client returns the client of the node at i. It may be used between a
// successful Acquire of that node and its Release. It panics if i is out of range.
func (s *Set[C]) Client(i int) C { return s.clients[i] }
