// Package measure times rival ways to do the same thing, side by side.
//
// A machine's speed drifts by more than what is to be measured. So the rivals of
// a [Group] run in turn, a short slice each, for many rounds, and a [Line] holds
// the median of the ratios of neighbours instead of the ratio of two averages
// that were taken minutes apart. One rival runs twice in each group: how far that
// pair is from 1 is the noise.
package measure
