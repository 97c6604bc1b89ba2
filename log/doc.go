// Package log writes one structured record per call, and puts the request ID on
// every other record made on the way. It builds on [log/slog] and adds no logger
// of its own.
//
//	logger := log.New()                                  // JSON to standard output
//	greet := log.Calls(svc.Greet, logger, "greet")       // one record per call
//	logger.InfoContext(ctx, "sent", "bytes", 12)         // carries request_id
//
// [NewHandler] does the second for any slog.Handler, and [Adder] functions put
// more on a record: trace_id and span_id, for instance, by LogAttrs of package
// tracing. The names of attributes are the constants below. Requests, responses, the
// caller's identity, and the values that travel with a call are never logged.
package log
