package httpkit

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// loadHeader is the header of an answer by which a server tells how busy it is: an
// ORCA load report as Envoy reads and writes it (gRFC A51 has it in a trailer). Of its
// forms a server of ours writes "TEXT application_utilization=0.42"; a client reads
// that and JSON. A BIN one, which few send over HTTP, counts as none.
const loadHeader = "Endpoint-Load-Metrics"

// SetLoad puts a load report into the headers of an answer, for handlers that
// [NewHandler] does not make; others have [ReportLoad]. utilization is 0 for idle
// and 1 for what the server can bear. What is no utilization, because it is
// negative or not finite, is not reported.
func SetLoad(header http.Header, utilization float64) {
	if isUtilization(utilization) {
		header.Set(loadHeader, "TEXT application_utilization="+strconv.FormatFloat(utilization, 'g', 4, 64))
	}
}

// reported returns the utilization that an answer tells, if it does: the
// application's own or, without that, the processor's.
func reported(header http.Header) (utilization float64, ok bool) {
	values := header[loadHeader]
	if len(values) == 0 {
		return 0, false
	}
	var own, cpu *float64
	if report, ok := strings.CutPrefix(values[0], "JSON "); ok {
		var fields struct {
			Own *float64 `json:"application_utilization"`
			CPU *float64 `json:"cpu_utilization"`
		}
		if json.Unmarshal([]byte(report), &fields) != nil {
			return 0, false
		}
		own, cpu = fields.Own, fields.CPU
	} else if report, ok := strings.CutPrefix(values[0], "TEXT "); ok {
		own, cpu = metric(report, "application_utilization"), metric(report, "cpu_utilization")
	}
	if own == nil {
		own = cpu
	}
	if own == nil || !isUtilization(*own) {
		return 0, false
	}
	return *own, true
}

// metric returns a number of a report in text: pairs between commas, with an equals
// sign or, as older versions of Envoy have it, a colon.
func metric(report, name string) *float64 {
	for pair := range strings.SplitSeq(report, ",") {
		rest, ok := strings.CutPrefix(strings.TrimSpace(pair), name)
		if ok && rest != "" && (rest[0] == '=' || rest[0] == ':') {
			if v, err := strconv.ParseFloat(strings.TrimSpace(rest[1:]), 64); err == nil {
				return &v
			}
		}
	}
	return nil
}

// isUtilization reports whether it is what an lb.Load takes.
func isUtilization(u float64) bool { return u >= 0 && u <= math.MaxFloat32 }
