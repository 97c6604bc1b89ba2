package ratelimit_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/ratelimit"
)

// Who makes his key of the hash of another's, as far as he can guess how, uses up
// nothing of the other's limit.
func TestKeyedLongKeysAreNoHashes(t *testing.T) {
	long := strings.Repeat("x", 200)
	hash := sha256.Sum256([]byte(long))
	limited := ratelimit.PerKey(echo, ratelimit.NewKeyed(once))
	padded := append(hash[:], make([]byte, 128)...)
	for n := 1; n <= len(padded); n++ {
		if !from(t, limited, string(padded[:n])) {
			t.Errorf("the first %d bytes are refused", n)
		}
	}
	if !from(t, limited, long) {
		t.Error("the limit of the long key is used up")
	}
}
