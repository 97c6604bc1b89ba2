package dns_test

import (
	"context"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/dns"
)

func TestMalformedArgumentsNameAllFaults(t *testing.T) {
	bad := []dns.Option{dns.Interval(0), dns.Timeout(-time.Second), dns.WithResolver(nil), nil}
	all := []string{"Interval must be positive, not 0s", "Timeout must be positive, not -1s", "WithResolver is nil", "option 4 is nil"}
	_, srvErr := dns.NewInstancer("a b", append(bad, dns.Network("ip"))...)
	_, hostErr := dns.NewHostInstancer("", 0, append(bad, dns.Network("tcp"), dns.AllPriorities())...)
	_, nilErr := dns.NewInstancer("a", dns.WithResolver((*net.Resolver)(nil)))
	tests := map[string]struct {
		err  error
		want []string
	}{
		"SRV":  {srvErr, append([]string{`name "a b" has a character`, "Network is for"}, all...)},
		"host": {hostErr, append([]string{`name "" is empty`, "port 0", "AllPriorities is for", `"tcp"`}, all...)},
		"nil":  {nilErr, []string{"WithResolver is nil"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, want := range tt.want {
				if tt.err == nil || !strings.Contains(tt.err.Error(), want) {
					t.Errorf("%v does not say %q", tt.err, want)
				}
			}
		})
	}
	for _, port := range []int{-1, 65536} {
		if _, err := dns.NewHostInstancer("a", port); err == nil {
			t.Errorf("port %d is accepted", port)
		}
	}
	for _, port := range []int{1, 65535} {
		if _, err := dns.NewHostInstancer("a", port); err != nil {
			t.Error(err)
		}
	}
}

func TestNames(t *testing.T) {
	label := strings.Repeat("a", 63)
	long := strings.Repeat(label+".", 3) + strings.Repeat("b", 61) // 253 bytes
	tests := map[string]bool{
		"a": true, "a.": true, "_http._tcp.a.b": true, "a-b.c": true, "1.a": true, "xn--bcher-kva.example": true,
		label: true, long: true, long + ".": true,
		"": false, ".": false, "..": false, "a..b": false, ".a": false, "a b": false, "a\x00": false, "bücher": false,
		"-a": false, "a-": false, "a.-b": false, "1.2.3.4": false, "::1": false, "a:80": false, "http://a": false,
		label + "a": false, long + "b": false,
	}
	for name, ok := range tests {
		if _, err := dns.NewInstancer(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

var pattern = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$`)

// A name is accepted exactly if it has the form of one, and if the standard
// resolver agrees: that refuses a malformed name without asking a server.
func FuzzName(f *testing.F) {
	for _, name := range []string{"a", "_http._tcp.a.b.", "a..b", "-a", "a-.b", "1.2", "a\n", ".", "é"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		_, err := dns.NewInstancer(name)
		want := pattern.MatchString(name) && strings.Trim(name, "0123456789.") != "" && len(strings.TrimSuffix(name, ".")) <= 253
		if (err == nil) != want {
			t.Fatalf("%q: %v, want accepted %t", name, err, want)
		}
		if strings.Trim(name, ".") == "" || strings.HasSuffix(strings.TrimSuffix(name, "."), ".onion") {
			return // the root is a name but no service; .onion is never asked for (RFC 7686)
		}
		asked := false
		r := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			asked = true
			return nil, context.Canceled
		}}
		// Absolute, so that no search domain comes in.
		_, _, _ = r.LookupSRV(t.Context(), "", "", strings.TrimSuffix(name, ".")+".")
		if trimmed := strings.TrimSuffix(name, "."); asked != (err == nil) && trimmed != "" {
			t.Fatalf("%q: %v, and the resolver asked: %t", name, err, asked)
		}
	})
}

// What comes of an answer is valid, sorted, without duplicates, of one priority,
// and does not depend on the order of the records.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{1, 10, 80, 0, 2, 20, 80, 1}, "a.test.,b.test.")
	f.Add([]byte{1, 0, 0, 0, 1, 10, 80, 1, 0, 5, 5, 2}, "a.,b.,.")
	f.Add([]byte{1, 1, 80, 0, 1, 9, 80, 1}, "A.test.,a.test")
	f.Fuzz(func(t *testing.T, data []byte, targets string) {
		names := strings.Split(targets, ",")
		var records []*net.SRV
		for ; len(data) >= 4; data = data[4:] {
			records = append(records, &net.SRV{
				Priority: uint16(data[0]), Weight: uint16(data[1]), Port: uint16(data[2]), Target: names[int(data[3])%len(names)],
			})
		}
		got, gotErr := once(t, records)
		for i, in := range got {
			if err := in.Validate(); err != nil || in.Weight < 1 {
				t.Fatalf("instance %v is not valid: %v", in, err)
			}
			if i > 0 && got[i-1].ID >= in.ID {
				t.Fatalf("%q comes before %q", got[i-1].ID, in.ID)
			}
		}
		if gotErr == nil && len(got) == 0 {
			for _, r := range records {
				if strings.Trim(r.Target, ".") != "" && r.Port != 0 && !strings.ContainsFunc(r.Target, control) {
					t.Fatalf("%v was not used", *r)
				}
			}
		}
		rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		again, againErr := once(t, records)
		same := slices.EqualFunc(got, again, func(a, b *sd.Instance) bool { return a.Equal(b) })
		if !same || (gotErr == nil) != (againErr == nil) {
			t.Fatalf("%s, and in another order %s", text(got, gotErr), text(again, againErr))
		}
	})
}

func control(r rune) bool { return r <= ' ' || r == 0x7f }

func once(t *testing.T, records []*net.SRV) ([]*sd.Instance, error) {
	f := &fake{}
	f.set(nil, slices.Clone(records)...)
	in := must(t)(dns.NewInstancer("web.test", dns.WithResolver(f)))
	for set, err := range in.Watch(t.Context()) {
		return set, err
	}
	return nil, nil
}
