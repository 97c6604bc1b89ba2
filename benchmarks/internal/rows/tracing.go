package rows

import (
	"context"

	kit "github.com/go-kit/kit/endpoint"
	kitzipkin "github.com/go-kit/kit/tracing/zipkin"
	"github.com/openzipkin/zipkin-go"
	"github.com/openzipkin/zipkin-go/reporter"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/tracing"
)

// Traces compares spans of calls with those of Go kit's middleware for Zipkin.
func Traces() measure.Group {
	return measure.Group{
		Name: "Tracing",
		Note: "A call with a span of a new trace, over OpenTelemetry's SDK and zipkin-go as they are. Of a span that is sampled " +
			"out most is the SDK's own: a span of it alone stands beside ours. What is recorded goes nowhere; ours has the " +
			"attributes of the semantic conventions, Go kit's has none.",
		Contestants: []measure.Contestant{
			{Name: "no provider", Open: plainly(calls(tracing.Server(Greet, "greet")))},
			{Name: "the endpoint alone", Open: plainly(calls(Greet))},
			{Name: "sampled out", Open: plainly(calls(Traced(nil, sdk.NeverSample())))},
			{Name: "the SDK alone, sampled out", Open: plainly(calls(SDKTraced(sdk.NeverSample())))},
			{Name: "Go kit, sampled out", Open: plainly(kitCalls(KitTraced(reporter.NewNoopReporter(), zipkin.NeverSample)))},
			{Name: "recorded", Open: plainly(calls(Traced(nowhere{}, sdk.AlwaysSample())))},
			{Name: "Go kit, recorded", Open: plainly(kitCalls(KitTraced(reporter.NewNoopReporter(), zipkin.AlwaysSample)))},
		},
		Rows: []measure.Row{
			{
				What: "no provider", Ours: "no provider", Peer: "the endpoint alone",
				Budget: measure.Budget{Nanos: 8, NoAllocs: true}, // of which the call is some 3
			},
			{What: "sampled out", Ours: "sampled out", Peer: "Go kit, sampled out", Budget: measure.Budget{Nanos: 300}},
			{What: "sampled out", Ours: "sampled out", Peer: "the SDK alone, sampled out"},
			{What: "recorded", Ours: "recorded", Peer: "Go kit, recorded"},
		},
	}
}

// Traced is [Greet] with a span per call, which p hears of, if it is not nil.
func Traced(p sdk.SpanProcessor, s sdk.Sampler) endpoint.Endpoint[Message, Message] {
	opts := []sdk.TracerProviderOption{sdk.WithSampler(s)}
	if p != nil {
		opts = append(opts, sdk.WithSpanProcessor(p))
	}
	return tracing.Server(Greet, "greet", tracing.Provider(sdk.NewTracerProvider(opts...)))
}

// SDKTraced is [Greet] with a span of OpenTelemetry's SDK.
func SDKTraced(s sdk.Sampler) endpoint.Endpoint[Message, Message] {
	tracer := sdk.NewTracerProvider(sdk.WithSampler(s)).Tracer("")
	return func(ctx context.Context, m Message) (Message, error) {
		ctx, span := tracer.Start(ctx, "greet")
		defer span.End()
		return Greet(ctx, m)
	}
}

// KitTraced is [Traced] with Go kit.
func KitTraced(r reporter.Reporter, s zipkin.Sampler) kit.Endpoint {
	tracer, err := zipkin.NewTracer(r, zipkin.WithSampler(s))
	if err != nil {
		return func(context.Context, any) (any, error) { return nil, err }
	}
	return kitzipkin.TraceEndpoint(tracer, "greet")(KitGreet)
}

// nowhere is where spans go that nobody wants.
type nowhere struct{}

func (nowhere) OnStart(context.Context, sdk.ReadWriteSpan) {}
func (nowhere) OnEnd(sdk.ReadOnlySpan)                     {}
func (nowhere) Shutdown(context.Context) error             { return nil }
func (nowhere) ForceFlush(context.Context) error           { return nil }
