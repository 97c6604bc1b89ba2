package httpkit_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A handler does more than one by hand (context of the call, request ID, bounds)
// and must not cost much more.
func TestHandlerAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var allocs [2]float64
	for i, h := range sumHandlers {
		allocs[i] = testing.AllocsPerRun(500, func() {
			r := httptest.NewRequest(http.MethodPost, "/sum", strings.NewReader(sumBody))
			r.Header.Set("Content-Type", "application/json")
			h.handler.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	if allocs[1] > allocs[0]+4 {
		t.Errorf("%v allocations, against %v by hand", allocs[1], allocs[0])
	}
}
