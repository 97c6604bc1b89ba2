package rows_test

import (
	"testing"

	"github.com/openzipkin/zipkin-go"
	"github.com/openzipkin/zipkin-go/reporter/recorder"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dowelkit/dowel/benchmarks/internal/rows"
)

func TestTracesMakeASpanPerCall(t *testing.T) {
	for name, want := range map[string]int{"recorded": 5, "sampled out": 0} {
		ours, theirs := tracetest.NewSpanRecorder(), recorder.NewReporter()
		sampler, kitSampler := sdk.AlwaysSample(), zipkin.AlwaysSample
		if want == 0 {
			sampler, kitSampler = sdk.NeverSample(), zipkin.NeverSample
		}
		if err := rows.Calls(rows.Traced(ours, sampler))(5); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := rows.KitCalls(rows.KitTraced(theirs, kitSampler))(5); err != nil {
			t.Errorf("%s, Go kit: %v", name, err)
		}
		if n, kit := len(ours.Ended()), len(theirs.Flush()); n != want || kit != want {
			t.Errorf("%s: %d spans, Go kit %d, want %d", name, n, kit, want)
		}
		if err := rows.Calls(rows.SDKTraced(sampler))(5); err != nil {
			t.Errorf("%s, the SDK: %v", name, err)
		}
	}
}
