package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// cached returns the path of a file in the cache's directory of that key. If the
// directory is missing fill makes it. It appears whole or not at all.
func cached(ctx context.Context, key, file string, progress io.Writer, fill func(dir string) error) (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	root := filepath.Join(user, "dowel", "servers")
	dir := filepath.Join(root, key)
	path := filepath.Join(dir, file)
	if _, err := os.Stat(dir); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	// One at a time: two builds side by side take as long, and twice the memory.
	unlock, err := lock(ctx, filepath.Join(root, "lock"), progress)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}

	// Whatever has this name was left by a process that was killed.
	making := filepath.Join(root, "making")
	if err := os.RemoveAll(making); err != nil {
		return "", err
	}
	if err := os.Mkdir(making, 0o755); err != nil {
		return "", err
	}
	defer os.RemoveAll(making)
	began := time.Now()
	if err := fill(making); err != nil {
		return "", err
	}
	fmt.Fprintf(progress, "%s: %v, kept in %s\n", key, time.Since(began).Round(100*time.Millisecond), dir)
	return path, os.Rename(making, dir)
}
