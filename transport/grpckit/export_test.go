package grpckit

var (
	LoadReport = loadReport
	Reported   = reported
)
