package rows_test

import (
	"testing"

	"google.golang.org/grpc/balancer/leastrequest"
	"google.golang.org/grpc/balancer/roundrobin"
	"google.golang.org/grpc/balancer/weightedroundrobin"

	"github.com/dowelkit/dowel/benchmarks/internal/rows"
)

func TestGRPCBalancersSpreadTheirPicks(t *testing.T) {
	for name, config := range map[string]string{roundrobin.Name: "", leastrequest.Name: "{}"} {
		cc, err := rows.NewGRPCBalancer(name, config, 100)
		if err != nil {
			t.Fatal(err)
		}
		defer cc.Close()
		if shares := cc.Shares(20_000); len(shares) != 100 {
			t.Errorf("%s picks %d of 100", name, len(shares))
		}
	}
}

func TestGRPCWeightsAreThoseReported(t *testing.T) {
	cc, err := rows.NewGRPCBalancer(weightedroundrobin.Name, `{"blackoutPeriod": "0s", "weightUpdatePeriod": "0.1s"}`, 99)
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	if err := cc.Report(func(i int) int { return 1 << (i % 3) }); err != nil {
		t.Fatal(err)
	}
	shares := cc.Shares(33 * 7 * 10)
	for i := range 99 {
		if got, want := shares[rows.Addr(i)], 10<<(i%3); got < want-2 || got > want+2 {
			t.Errorf("connection %d is picked %d times, want %d", i, got, want)
		}
	}
}
