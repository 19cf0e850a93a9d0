package fbroute

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// held is what a hold says now: the rule that denies, if one does; and the hold as it is from now on.
type held struct {
	hold      *hold
	rule      string
	retryAtMS *int64
}

// turn is a writer's place in the ramp of a bucket, in ppm; the same in every language.
func turn(writer, bucket string, seq int64) int64 {
	hashed := sha256.Sum256([]byte(fmt.Sprintf("%s|%s|%d", writer, bucket, seq)))
	return int64(binary.BigEndian.Uint32(hashed[:4]) % million)
}

// heldBy is rule 4 for one tier of a bucket: what a cap closed opens again late, and for one writer after another.
// `capBytes` is the cap of the tier, `isFull` whether that cap refuses the write, `isScant` whether its share does.
func heldBy(v *view, known *hold, nowMS int64, name string, capBytes int64, isFull, isScant bool, found standing) held {
	if known == nil && found.scant == (tiers{}) && found.full == (tiers{}) {
		return held{}
	}
	if found.period == "" {
		return held{hold: known} // use is not known: nothing is learnt about the cap
	}
	if isFull {
		if known == nil || known.isLifted {
			return held{hold: &hold{sinceMS: nowMS, seq: v.seq(), period: found.period}}
		}
		// still closed by the cap itself: a newer showing and a new period count from here
		return held{hold: &hold{sinceMS: known.sinceMS, seq: v.seq(), period: found.period}}
	}
	if !v.has("4.hold") {
		return held{}
	}
	if known == nil || known.isLifted && known.period == found.period {
		return resting(v, known, nowMS, name, isScant, found)
	}
	if !known.isLifted {
		if denied := deniedBy(v, known, nowMS, name, capBytes, found); denied.rule != "" {
			return denied
		}
	}
	return ramping(v, &hold{known.sinceMS, known.seq, found.period, true, nowMS, v.seq()}, nowMS, name)
}

// resting is a hold that denies nothing but its ramp. Who had no room is held so too: all have some when a period begins.
func resting(v *view, known *hold, nowMS int64, name string, isScant bool, found standing) held {
	switch {
	case isScant && known == nil:
		return held{hold: &hold{nowMS, v.seq(), found.period, true, nowMS - v.repository.rampMS, 0}}
	case isScant, known == nil, found.tier == "closed":
		return held{hold: known}
	}
	return ramping(v, known, nowMS, name)
}

func deniedBy(v *view, known *hold, nowMS int64, name string, capBytes int64, found standing) held {
	used := found.used
	if v.simple {
		used = sum(used, scaled(found.own, v.writers(name), 1))
	}
	hasFallen := v.seq() > known.seq && used <= reopenLevel(v, capBytes)
	if !hasFallen && found.period == known.period {
		if v.usage == nil {
			return held{known, "4.hold", found.retryAtMS}
		}
		return held{known, "4.hold", after(v, nowMS)}
	}
	opensMS := known.sinceMS + v.repository.minClosedMS
	if nowMS < opensMS && v.has("4.min") {
		return held{known, "4.min", &opensMS}
	}
	return held{}
}

func ramping(v *view, lifted *hold, nowMS int64, name string) held {
	length := v.repository.rampMS
	// a policy that came meanwhile may have no ramp, and a clock may have been set back
	if length == 0 || nowMS >= lifted.liftedMS+length || !v.has("4.ramp") {
		return held{}
	}
	mine := turn(v.writer, name, lifted.liftedSeq)
	if mine < scaled(max(0, nowMS-lifted.liftedMS), million, length) {
		return held{hold: lifted}
	}
	// the first millisecond at which the ramp has passed this writer's place
	passes := lifted.liftedMS + scaledUp(mine+1, length, million)
	return held{lifted, "4.ramp", &passes}
}
