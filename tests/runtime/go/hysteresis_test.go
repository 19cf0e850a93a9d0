package fbroute

import "testing"

func TestARampThatANewPolicyTookAwayIsOverAlsoWhenTheClockWasSetBack(t *testing.T) {
	v := &view{repository: &repository{rampMS: 0}, writer: "w1"}
	lifted := &hold{isLifted: true, liftedMS: start, liftedSeq: 1}
	if found := ramping(v, lifted, start-60_000, "a"); found != (held{}) {
		t.Errorf("%+v", found)
	}
}
