package ratelimit

import (
	"crypto/sha256"
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// shard is a part of a [Keyed] with a lock of its own.
type shard struct {
	mu    sync.Mutex
	bound int
	byKey map[string]*node[held]
	uses  list[held] // least recently used first
}

type held struct {
	key  string
	gate gate
	used time.Duration // since the start of the Keyed
}

// newShards makes as many as there are times 1,024 keys. With fewer keys per
// shard their sizes would differ too much.
func newShards(maxKeys int) []shard {
	n := 1
	for n < 1024 && maxKeys/(2*n) >= 1024 {
		n *= 2
	}
	shards := make([]shard, n)
	for i := range shards {
		shards[i].bound = maxKeys / n
		shards[i].byKey = make(map[string]*node[held])
	}
	return shards
}

// longKey is the length in bytes from which on a key is replaced by its hash, so
// that a bound on keys is a bound on memory. The hash is made as long, which no key is
// that stands for itself: a caller whose key has the bytes of another's hash shares
// nothing with him.
const longKey = 128

// find returns under which key the limiter of a caller is held, and where.
func (k *Keyed) find(caller string) (key string, s *shard) {
	key = caller
	if len(key) >= longKey {
		var hash [longKey]byte
		sum := sha256.Sum256([]byte(key))
		copy(hash[:], sum[:])
		key = string(hash[:])
	}
	return key, &k.shards[maphash.String(k.seed, key)&uint64(len(k.shards)-1)]
}

func (k *Keyed) gate(caller string) gate {
	key, s := k.find(caller)
	now := time.Since(k.start)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now - k.idle)
	if n, ok := s.byKey[key]; ok {
		n.value.used = now
		s.uses.moveToBack(n)
		return n.value.gate
	}
	g := k.newGate(caller)
	if s.uses.len >= s.bound {
		s.forget(s.uses.front())
		k.evictions.Add(1)
	}
	key = strings.Clone(key) // it may be a part of a large header
	s.byKey[key] = s.uses.pushBack(held{key, g, now})
	return g
}

// touch notes that a caller has used its gate, unless that was forgotten meanwhile.
func (k *Keyed) touch(caller string, g gate) {
	key, s := k.find(caller)
	now := time.Since(k.start)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, ok := s.byKey[key]; ok && n.value.gate == g {
		n.value.used = now
		s.uses.moveToBack(n)
	}
}

// expire forgets the keys last used before limit. That is done on use, because it
// costs less than the insertions did and needs no goroutine.
func (s *shard) expire(limit time.Duration) {
	for oldest := s.uses.front(); oldest != nil && oldest.value.used < limit; oldest = s.uses.front() {
		s.forget(oldest)
	}
}

func (s *shard) forget(n *node[held]) {
	s.uses.remove(n)
	delete(s.byKey, n.value.key)
}

func (s *shard) size(limit time.Duration) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(limit)
	return s.uses.len
}
