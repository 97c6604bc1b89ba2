// Package rows holds what is measured: for each part of the toolkit the loops that
// use it, and the loops that do the same with Go kit and with the plain standard
// library.
//
// What the loops call is made by exported functions, so that the tests hold each
// contestant to its claim: the same answer, the same limits, the same changes seen.
package rows
