// Benchmarks prints what the parts of the toolkit cost beside Go kit and the plain
// standard library, in one run, and whether that keeps to the budgets.
//
//	go run . [-run REGEXP] [-rounds N] [-slice DURATION] [-cpu] [-write]
//
// With -write it also writes ../BENCHMARKS.md. With -cpu the times are those of
// the process on the processors, which hold on a busy machine. A missed budget
// shows in the table and is not an error: speed is not a test. To profile a loop,
// run it as an ordinary benchmark:
//
//	go test -run '^$' -bench All/Pick -cpuprofile cpu.out ./internal/rows
package main
