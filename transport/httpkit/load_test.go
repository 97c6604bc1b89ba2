package httpkit_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/httpkit"
)

func TestReportedUtilization(t *testing.T) {
	const none = -1
	for report, want := range map[string]float64{
		"TEXT application_utilization=0.42": 0.42,
		"TEXT cpu_utilization=0.3, mem_utilization=0.8,application_utilization=1.25,named_metrics.x=9": 1.25,
		"TEXT cpu_utilization:0.3,eps:2":                         0.3, // as older versions of Envoy write it
		"TEXT cpu_utilization = 1":                               none,
		"TEXT cpu_utilization= 0.5":                              0.5,
		"TEXT mem_utilization=0.8":                               none,
		"TEXT cpu_utilization=,application_utilization":          none,
		"TEXT cpu_utilization_more=0.5":                          none,
		"TEXT application_utilization=-1,cpu_utilization=0.2":    none,
		"TEXT application_utilization=NaN":                       none,
		"TEXT application_utilization=Inf":                       none,
		"TEXT application_utilization=1e300":                     none,
		`JSON {"cpu_utilization":0.2,"rps_fractional":4}`:        0.2,
		`JSON {"cpu_utilization":1,"application_utilization":0}`: 0,
		`JSON {"cpu_utilization":"much"}`:                        none,
		"JSON nonsense":                                          none,
		"JSON null":                                              none,
		"BIN CZqZmZmZmbk/":                                       none,
		"application_utilization=0.42":                           none,
		"TEXT":                                                   none,
		"":                                                       none,
	} {
		got, ok := httpkit.Reported(http.Header{"Endpoint-Load-Metrics": {report}})
		if ok != (want != none) || ok && got != want {
			t.Errorf("%q: got %v, %v", report, got, ok)
		}
	}
	if _, ok := httpkit.Reported(http.Header{}); ok {
		t.Error("there is a report without a header")
	}
}

func FuzzReported(f *testing.F) {
	f.Add("TEXT cpu_utilization=0.3,application_utilization=1", 0.42)
	f.Add(`JSON {"cpu_utilization":0.2}`, 0.0)
	load := new(lb.Loads).Of("x")
	f.Fuzz(func(t *testing.T, text string, u float64) {
		if got, ok := httpkit.Reported(http.Header{"Endpoint-Load-Metrics": {text}}); ok {
			load.Report(got) // which panics if it is none
		}
		h := http.Header{}
		httpkit.SetLoad(h, u)
		if got, ok := httpkit.Reported(h); ok && math.Abs(got-u) > u/1000 || !ok && u >= 0 && u < 1e30 {
			t.Errorf("%v arrives as %v, %v", u, got, ok)
		}
	})
}

// busy is a server that says so with each answer, and fails now and then.
func busy(t *testing.T, utilization float64, fails bool) (base string) {
	h := httpkit.NewHandler(func(context.Context, clientWord) (clientWord, error) {
		if fails {
			return clientWord{}, &endpoint.Error{Code: endpoint.NotFound}
		}
		return clientWord{Text: "ok"}, nil
	}, httpkit.DecodeJSON, httpkit.EncodeJSON, httpkit.ReportLoad(func() float64 { return utilization }))
	base, _ = serve(t, h.ServeHTTP)
	return base
}

// What two servers say decides where calls go, an error's answer included.
func TestClientsReportTheLoad(t *testing.T) {
	loads := new(lb.Loads)
	dial := func(_ context.Context, in *sd.Instance) (*httpkit.Client, error) {
		return httpkit.NewClient("http://"+in.Addr, httpkit.ClientReportTo(loads.Of(in.ID)))
	}
	clients := sd.NewEndpointer(members(t, busy(t, 0.9, true), busy(t, 0.1, false)), dial)
	t.Cleanup(func() { _ = clients.Close() })
	if err := clients.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := lb.Endpoint(lb.New(clients, lb.LeastLoaded(loads, lb.LoadExpiry(time.Hour))), func(c *httpkit.Client, ctx context.Context, w clientWord) (clientWord, error) {
		return httpkit.NewEndpoint[clientWord, clientWord](c, "POST /")(ctx, w)
	})
	for n := range 200 { // until both have reported, chance decides
		if _, err := next(t.Context(), clientWord{}); n > 100 && err != nil {
			t.Fatalf("call %d went to the busy one", n)
		} else if err != nil && endpoint.CodeOf(err) != endpoint.NotFound {
			t.Fatal(err)
		}
	}
}

func TestRoundTrippersReportTheLoad(t *testing.T) {
	loads := new(lb.Loads)
	servers := members(t, busy(t, 0.9, true), busy(t, 0.1, false))
	rt := httpkit.NewRoundTripper(httpkit.Service("s", servers, lb.LeastLoaded(loads, lb.LoadExpiry(time.Hour))), httpkit.ReportTo(loads))
	t.Cleanup(func() { _ = rt.Close() })
	if err := rt.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: rt}
	for n := range 200 {
		resp, err := client.Post("http://s/", "application/json", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if n > 100 && resp.Header.Get("Endpoint-Load-Metrics") != "TEXT application_utilization=0.1" {
			t.Fatalf("call %d went to the busy one", n)
		}
	}
}

// What is no utilization is left out, and so is the header of nothing.
func TestSetLoad(t *testing.T) {
	for u, want := range map[float64]string{
		0: "TEXT application_utilization=0", 1.0 / 3: "TEXT application_utilization=0.3333",
		-1: "", math.NaN(): "", math.Inf(1): "",
	} {
		h := http.Header{}
		httpkit.SetLoad(h, u)
		if got := h.Get("Endpoint-Load-Metrics"); got != want {
			t.Errorf("%v: got %q", u, got)
		}
	}
}

func TestReportMisuse(t *testing.T) {
	if _, err := httpkit.NewClient("http://a", httpkit.ClientReportTo(nil)); err == nil {
		t.Error("a client takes no load")
	}
	for name, misuse := range map[string]func(){
		"handler": func() {
			httpkit.NewHandler(func(context.Context, clientWord) (clientWord, error) { return clientWord{}, errors.New("") },
				httpkit.DecodeJSON, httpkit.EncodeJSON, httpkit.ReportLoad(nil))
		},
		"round tripper": func() {
			httpkit.NewRoundTripper(httpkit.Service("s", members(t), lb.Random()), httpkit.ReportTo(nil))
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			misuse()
		}()
	}
}
