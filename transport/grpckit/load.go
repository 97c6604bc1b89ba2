package grpckit

import (
	"math"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
)

// loadKey is the trailer by which a server tells how busy it is, with the answer to a
// call: an xds.data.orca.v3.OrcaLoadReport (gRFC A51).
const loadKey = "endpoint-load-metrics-bin"

// The fields of a report that say it in one number, both a double. The first is what
// the application itself says; a client takes the other if it says nothing.
const (
	applicationUtilization protowire.Number = 9
	cpuUtilization         protowire.Number = 1
)

// loadReport returns the trailer for a utilization, nil if that is none.
func loadReport(utilization float64) metadata.MD {
	if !isUtilization(utilization) {
		return nil
	}
	report := protowire.AppendTag(nil, applicationUtilization, protowire.Fixed64Type)
	report = protowire.AppendFixed64(report, math.Float64bits(utilization))
	return metadata.MD{loadKey: {string(report)}}
}

// reported returns the utilization that a trailer tells, if it does.
func reported(trailer metadata.MD) (utilization float64, ok bool) {
	values := trailer[loadKey]
	if len(values) == 0 {
		return 0, false
	}
	chosen := false
	for report := []byte(values[0]); len(report) > 0; {
		number, kind, n := protowire.ConsumeTag(report)
		if n < 0 {
			return 0, false
		}
		size := protowire.ConsumeFieldValue(number, kind, report[n:])
		if size < 0 {
			return 0, false
		}
		own := number == applicationUtilization
		if kind == protowire.Fixed64Type && (own || number == cpuUtilization && !chosen) {
			bits, _ := protowire.ConsumeFixed64(report[n:])
			utilization, ok, chosen = math.Float64frombits(bits), true, own
		}
		report = report[n+size:]
	}
	return utilization, ok && isUtilization(utilization)
}

// isUtilization reports whether it is what an lb.Load takes.
func isUtilization(u float64) bool { return u >= 0 && u <= math.MaxFloat32 }
