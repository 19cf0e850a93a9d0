package fbroute

import (
	"math"
	"math/big"
	"math/rand"
	"testing"
)

func TestProductsAreThoseOfUnboundedIntegers(t *testing.T) {
	edges := []int64{0, 1, 2, 999_999, million, 1 << 31, 1<<53 - 2, maxInteger, math.MaxInt64}
	random := rand.New(rand.NewSource(1))
	draw := func() int64 {
		if random.Intn(3) == 0 {
			return edges[random.Intn(len(edges))]
		}
		return random.Int63() >> random.Intn(63)
	}
	for round := 0; round < 100_000; round++ {
		a, b, by := draw(), draw(), max(1, draw())
		product := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		down, rest := new(big.Int).QuoRem(product, big.NewInt(by), new(big.Int))
		up := new(big.Int).Add(down, big.NewInt(int64(rest.Sign())))
		if scaled(a, b, by) != capped(down) || scaledUp(a, b, by) != capped(up) {
			t.Fatalf("%d*%d/%d: %d and %d, not %s and %s", a, b, by, scaled(a, b, by), scaledUp(a, b, by), down, up)
		}
		if total := new(big.Int).Add(big.NewInt(a), big.NewInt(b)); sum(a, b) != capped(total) {
			t.Fatalf("%d+%d: %d", a, b, sum(a, b))
		}
	}
}

func capped(found *big.Int) int64 {
	if !found.IsInt64() {
		return math.MaxInt64
	}
	return found.Int64()
}

func TestDatesRunThereAndBack(t *testing.T) {
	for day := int64(-800_000); day < 3_000_000; day += 13 {
		if year, month, of := dateOf(day); dayNumber(year, month, of) != day {
			t.Fatalf("day %d is %d-%d-%d, which is %d", day, year, month, of, dayNumber(year, month, of))
		}
	}
}
