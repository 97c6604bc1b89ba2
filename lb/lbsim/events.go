package lbsim

import "time"

// event is an answer that arrives, or is not awaited any longer, or, with a number
// less than zero, a call that a server is done with.
type event struct {
	at   time.Duration
	seq  uint32 // breaks ties, so that a run is determined
	call int32
}

func (e event) before(o event) bool {
	return e.at < o.at || e.at == o.at && int32(e.seq-o.seq) < 0
}

// events is a heap of four children to a node: half as deep as one of two, and
// the four lie in one cache line.
type events struct {
	heap []event
	seq  uint32
}

func (q *events) next() time.Duration {
	if len(q.heap) == 0 {
		return never
	}
	return q.heap[0].at
}

func (q *events) push(at time.Duration, call int32) {
	q.seq++
	e := event{at, q.seq, call}
	q.heap = append(q.heap, e)
	i := len(q.heap) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(q.heap[parent]) {
			break
		}
		q.heap[i] = q.heap[parent]
		i = parent
	}
	q.heap[i] = e
}

func (q *events) pop() event {
	first := q.heap[0]
	n := len(q.heap) - 1
	e := q.heap[n]
	q.heap = q.heap[:n]
	if n == 0 {
		return first
	}
	i := 0
	for child := 1; child < n; child = 4*i + 1 {
		least := child
		for k := child + 1; k < min(child+4, n); k++ {
			if q.heap[k].before(q.heap[least]) {
				least = k
			}
		}
		if !q.heap[least].before(e) {
			break
		}
		q.heap[i] = q.heap[least]
		i = least
	}
	q.heap[i] = e
	return first
}
