package static_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/sdtest"
	"github.com/dowelkit/dowel/sd/static"
)

// deployer is whoever writes the file: it makes a registry of it.
type deployer struct {
	path string
	mu   sync.Mutex
}

// edit replaces the file. A file that is not there is an outage.
func (d *deployer) edit(change func([]sd.Instance) []sd.Instance) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	instances, err := d.read()
	if err != nil {
		return err
	}
	type entry struct {
		ID     string            `json:"id"`
		Addr   string            `json:"addr"`
		Weight int               `json:"weight,omitempty"`
		Zone   string            `json:"zone,omitempty"`
		Meta   map[string]string `json:"meta,omitempty"`
	}
	entries := []entry{}
	for _, in := range change(instances) {
		entries = append(entries, entry(in))
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.path+".next", text, 0o600); err != nil {
		return err
	}
	return os.Rename(d.path+".next", d.path)
}

func (d *deployer) read() ([]sd.Instance, error) {
	text, err := os.ReadFile(d.path)
	if err != nil {
		return nil, err
	}
	return static.Parse(text)
}

func (d *deployer) delete(t *testing.T, match func(sd.Instance) bool) {
	err := d.edit(func(all []sd.Instance) []sd.Instance { return slices.DeleteFunc(all, match) })
	if err != nil {
		t.Error(err)
	}
}

// Register implements [sd.Registrar].
func (d *deployer) Register(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
	return sd.Keep(ctx, in, &fileEntry{d: d})
}

type fileEntry struct {
	d   *deployer
	put sd.Instance
}

func (e *fileEntry) Put(ctx context.Context, in sd.Instance) error {
	e.put = in
	return e.d.edit(func(all []sd.Instance) []sd.Instance {
		return append(slices.DeleteFunc(all, func(old sd.Instance) bool { return old.ID == in.ID }), in)
	})
}

func (e *fileEntry) Hold(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Second):
		}
		all, err := e.d.read()
		if err != nil || !slices.ContainsFunc(all, func(in sd.Instance) bool { return in.ID == e.put.ID }) {
			return errors.Join(errors.New("the entry is not in the file"), err)
		}
	}
}

func (e *fileEntry) Remove(context.Context) error {
	return e.d.edit(func(all []sd.Instance) []sd.Instance {
		return slices.DeleteFunc(all, func(in sd.Instance) bool { return in.ID == e.put.ID && in.Addr == e.put.Addr })
	})
}

func TestFileConformance(t *testing.T) {
	folder := t.TempDir()
	sdtest.Run(t, sdtest.Harness{
		InProcess: true,
		Quiet:     20 * time.Second,
		Recovery:  30 * time.Second, // the file is read every few seconds
		Many:      50,
		Must:      []sdtest.Fault{sdtest.Outage, sdtest.LoseData, sdtest.Delete},
		New: func(t *testing.T, service string) sdtest.Service {
			d := &deployer{path: filepath.Join(folder, service)}
			if err := os.WriteFile(d.path, []byte("[]"), 0o600); err != nil {
				t.Fatal(err)
			}
			return sdtest.Service{
				Instancer: static.NewFile(d.path),
				Registrar: d,
				Outage: func(t *testing.T) func() {
					move := func(from, to string) {
						d.mu.Lock()
						defer d.mu.Unlock()
						if err := os.Rename(from, to); err != nil {
							t.Error(err)
						}
					}
					move(d.path, d.path+".away")
					return func() { move(d.path+".away", d.path) }
				},
				LoseData: func(t *testing.T) { d.delete(t, func(sd.Instance) bool { return true }) },
				Delete:   func(t *testing.T, id string) { d.delete(t, func(in sd.Instance) bool { return in.ID == id }) },
			}
		},
	})
}
