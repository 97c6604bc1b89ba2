package httpkit_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// Nor is a file left when the hook that read the form ends the call.
func TestFilesOfAFormAreRemovedAfterAHook(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	files := func() int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Error(err)
		}
		return len(entries)
	}
	during := -1
	var logs records
	h := httpkit.NewHandler(give("x"), httpkit.DecodeNothing, httpkit.EncodeJSON, httpkit.Logger(logs.logger()),
		httpkit.Before(func(_ context.Context, r *http.Request) context.Context {
			if err := r.ParseMultipartForm(1); err != nil {
				t.Error(err)
			}
			during = files()
			panic("secret")
		}))
	a := post(t, start(t, "/", h), "--x\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n"+
		strings.Repeat("a", 100_000)+"\r\n--x--\r\n", "Content-Type", "multipart/form-data; boundary=x")
	a.problem(t, 500, endpoint.Internal)
	if during != 1 || files() != 0 {
		t.Errorf("%d files in the hook, %d after the call", during, files())
	}
}
