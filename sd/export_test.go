package sd

// SetEntered makes the node one that so many calls have entered.
func (n *Node) SetEntered(count uint32) {
	n.active.Store(n.active.Load()&(1<<32-1) | int64(count)<<32)
}
