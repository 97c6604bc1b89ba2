package consul_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
)

func TestNames(t *testing.T) {
	client := client(t, new(agent))
	for name, want := range map[string]string{
		"web": "", "web-1.internal": "", "web:1": "", "wéb": "", "...": "", "100%": "",
		"": "empty", ".": "path", "..": "path", "a/b": "slash", "/": "slash", "*": "wildcard",
		"a b": "space", "a\n": "space", "\xff": "UTF-8", "a\u200bb": "control",
	} {
		_, watch := consul.NewInstancer(client, name)
		_, register := consul.NewRegistrar(client, name)
		for _, err := range []error{watch, register} {
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%q: %v; want %q", name, err, want)
			}
		}
	}
}

func TestConstructorsNameEveryFault(t *testing.T) {
	client := client(t, new(agent))
	_, err := consul.NewInstancer(client, "a/b", consul.WatchTags(""), consul.WatchDatacenter("d c"))
	for _, part := range []string{"a/b", "tag is empty", "d c"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("NewInstancer: %v; want %q", err, part)
		}
	}
	_, err = consul.NewRegistrar(client, "a/b", consul.RegisterTags("x", ""))
	for _, part := range []string{"a/b", "tag is empty"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("NewRegistrar: %v; want %q", err, part)
		}
	}
}

func TestMisusePanics(t *testing.T) {
	tests := map[string]struct {
		call func()
		want []string
	}{
		"NewInstancer": {func() {
			_, _ = consul.NewInstancer(nil, "web", nil, consul.WatchWait(0), consul.WatchPace(0), consul.WatchSilence(0),
				consul.WatchBackoff(sd.Backoff{Base: -1}))
		}, []string{"client is nil", "option 1 is nil", "WatchWait", "WatchPace", "WatchSilence", "WatchBackoff"}},
		"WatchWait": {func() { _, _ = consul.NewInstancer(client(t, new(agent)), "web", consul.WatchWait(11*time.Minute)) },
			[]string{"WatchWait", "11m"}},
		"NewRegistrar": {func() {
			_, _ = consul.NewRegistrar(nil, "web", nil, consul.RegisterTTL(0), consul.RegisterCriticalAfter(time.Second), consul.RegisterCheck(nil))
		}, []string{"client is nil", "option 1 is nil", "RegisterTTL", "RegisterCriticalAfter", "RegisterCheck"}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text, _ := recover().(string)
				for _, part := range c.want {
					if !strings.Contains(text, part) {
						t.Errorf("the panic is %q; want %q", text, part)
					}
				}
			}()
			c.call()
		})
	}
}

var (
	_ sd.Instancer = (*consul.Instancer)(nil)
	_ sd.Registrar = (*consul.Registrar)(nil)
)
