package grpckit_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	pair := a.issue(t, "the authority")
	a.cert, a.key = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// issue makes a certificate for a name and for loopback, signed by the authority; its
// own if it has none yet.
func (a *authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA:        a.cert == nil, BasicConstraintsValid: true,
	}
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func TestMutualTLS(t *testing.T) {
	ca := newAuthority(t)
	addr := serve(t, grpckit.NewServer(grpckit.TLS(&tls.Config{
		Certificates: []tls.Certificate{ca.issue(t, "echo")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(),
	})), &echo{say: func(ctx context.Context, _ *echopb.Message) (*echopb.Message, error) {
		p, _ := peer.FromContext(ctx)
		info := p.AuthInfo.(credentials.TLSInfo)
		return &echopb.Message{Text: info.State.PeerCertificates[0].Subject.CommonName}, nil
	}})
	good := &tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{ca.issue(t, "me")}}
	steady := echopb.NewEchoClient(dial(t, addr, grpckit.ClientTLS(good)))
	check := func() {
		t.Helper()
		if m, err := steady.Say(within(t), &echopb.Message{}); err != nil || m.GetText() != "me" {
			t.Errorf("%v, %v", m, err)
		}
	}
	check()
	// A balanced service is checked by its name.
	instancer, err := static.NewInstancer(sd.Instance{Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	for name, right := range map[string]bool{"echo": true, "another": false} {
		conn, err := grpckit.NewBalancedClient(name, instancer, lb.Random(), grpckit.ClientTLS(good))
		_, err = echopb.NewEchoClient(opened(t, conn, err)).Say(within(t), &echopb.Message{})
		if (err == nil) != right {
			t.Errorf("as %s: %v", name, err)
		}
	}
}
