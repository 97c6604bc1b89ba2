// Package report shows what was measured: as a table on a terminal, and as a page
// with the facts of the machine.
package report
