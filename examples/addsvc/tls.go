package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// LoadTLS reads a PEM file with a certificate, its key, and the authority that signed
// the certificates of the other side. TLS is mutual here, so that both sides need all
// three: without ClientAuth a client would need none. Nil, for no file, is plain text.
func LoadTLS(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(pem, pem)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem) // its own certificate is trusted as well
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		RootCAs:      pool, ServerName: "addsvc", // what a client demands
		ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, // what a server demands
	}, nil
}
