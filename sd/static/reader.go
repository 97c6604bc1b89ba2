package static

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/dowelkit/dowel/sd"
)

// maxSize bounds what is read of a file, in bytes. Ten thousand instances are
// about a megabyte.
const maxSize = 16 << 20

var errTooLarge = fmt.Errorf("larger than %d bytes", maxSize)

// reader is what one watch knows of the file.
type reader struct {
	path string
	set  []*sd.Instance    // the last good one, nil before
	sum  [sha256.Size]byte // of the text behind set
	err  string            // of the last read
}

// read reports also whether there is anything new to say. It compares contents:
// times and sizes stay the same in too many changes.
func (r *reader) read() (set []*sd.Instance, news bool, err error) {
	changed, err := r.next()
	if err != nil {
		err = fmt.Errorf("static: %s: %w", r.path, err)
		news = r.err != err.Error()
		r.err = err.Error()
		return nil, news, err
	}
	news = changed || r.err != ""
	r.err = ""
	return r.set, news, nil
}

// next replaces the set if the file says something else.
func (r *reader) next() (changed bool, err error) {
	text, err := load(r.path)
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256(text)
	if r.set != nil && sum == r.sum {
		return false, nil
	}
	found, err := parse(text)
	if err != nil {
		return false, err
	}
	set := sd.NextSet(r.set, found)
	changed = r.set == nil || !slices.Equal(set, r.set)
	r.set, r.sum = set, sum
	return changed, nil
}

// load refuses what is no regular file, because opening a pipe may block for ever.
func load(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if info.Size() > maxSize {
		return nil, errTooLarge
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// The size in info may be old by now.
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(text) > maxSize {
		err = errTooLarge
	}
	return text, err
}
