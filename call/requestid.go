package call

import (
	"crypto/rand"
	"encoding/hex"
)

// NewRequestID returns 128 random bits in hexadecimal.
func NewRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, by its documentation
	var text [32]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}
