package fbroute

import (
	"math"
	"math/bits"
)

const (
	// maxInteger is the largest integer that every JSON reader keeps exactly.
	maxInteger = 1<<53 - 1
	million    = 1_000_000
)

// scaled is a*b/by for operands that are not negative, rounded down; what is too large is the largest integer.
func scaled(a, b, by int64) int64 {
	whole, _ := scaledParts(a, b, by)
	return whole
}

// scaledUp is scaled, rounded up.
func scaledUp(a, b, by int64) int64 {
	whole, rest := scaledParts(a, b, by)
	if rest > 0 {
		return sum(whole, 1)
	}
	return whole
}

// scaledParts needs 128 bits: a limit times a share in ppm has 73.
func scaledParts(a, b, by int64) (whole, rest int64) {
	high, low := bits.Mul64(uint64(a), uint64(b))
	if high >= uint64(by) {
		return math.MaxInt64, 0
	}
	quotient, remainder := bits.Div64(high, low, uint64(by))
	if quotient > math.MaxInt64 {
		return math.MaxInt64, 0
	}
	return int64(quotient), int64(remainder)
}

// sum is a+b for operands that are not negative, or the largest integer.
func sum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func floorDiv(a, b int64) int64 {
	quotient := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		quotient--
	}
	return quotient
}

func floorMod(a, b int64) int64 {
	return a - floorDiv(a, b)*b
}

func known(number int64) *int64 {
	return &number
}
