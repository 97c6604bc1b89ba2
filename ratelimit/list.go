package ratelimit

// list is a doubly linked list whose zero value is empty.
type list[T any] struct {
	first, last *node[T]
	len         int
}

type node[T any] struct {
	value      T
	prev, next *node[T]
}

func (l *list[T]) front() *node[T] { return l.first }

func (l *list[T]) pushBack(value T) *node[T] {
	n := &node[T]{value: value}
	l.append(n)
	return n
}

func (l *list[T]) moveToBack(n *node[T]) {
	if n != l.last {
		l.remove(n)
		l.append(n)
	}
}

func (l *list[T]) append(n *node[T]) {
	n.prev, n.next = l.last, nil
	if l.last == nil {
		l.first = n
	} else {
		l.last.next = n
	}
	l.last = n
	l.len++
}

// remove takes n, which must be in the list, out of it.
func (l *list[T]) remove(n *node[T]) {
	if n.prev == nil {
		l.first = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		l.last = n.prev
	} else {
		n.next.prev = n.prev
	}
	n.prev, n.next = nil, nil
	l.len--
}
