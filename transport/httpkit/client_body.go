package httpkit

import (
	"context"
	"io"
	"time"
)

// body is the body of an answer: bounded, counted, and drained at the end.
type body struct {
	from   io.ReadCloser
	left   int64 // bytes that may still be read
	read   int64
	ended  bool
	large  bool
	broken error // why the connection did not give all of it
}

func (b *body) Read(p []byte) (int, error) {
	switch {
	case b.large:
		return 0, ErrResponseTooLarge
	case len(p) == 0:
		return 0, nil
	case b.left == 0:
		return b.excess()
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.read += int64(n)
	return n, b.note(err)
}

// excess tells a body of exactly the limit from one that goes on.
func (b *body) excess() (int, error) {
	var one [1]byte
	n, err := io.ReadFull(b.from, one[:])
	if n > 0 {
		b.large = true
		return 0, ErrResponseTooLarge
	}
	return 0, b.note(err)
}

func (b *body) note(err error) error {
	switch {
	case err == io.EOF:
		b.ended = true
	case err != nil && b.broken == nil:
		b.broken = err
	}
	return err
}

// Close does nothing. Whoever decodes may close the body, and drain still does
// its part.
func (b *body) Close() error { return nil }

// drain reads what is left, if that is little and comes soon, and closes the body.
// cancel ends the reading.
func (b *body) drain(cancel context.CancelFunc) {
	if !b.ended && !b.large && b.broken == nil {
		late := time.AfterFunc(maxDrainTime, cancel)
		_, _ = io.CopyN(io.Discard, b.from, maxDrain)
		late.Stop()
	}
	_ = b.from.Close()
}
