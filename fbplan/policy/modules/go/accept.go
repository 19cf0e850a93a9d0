package fbroute

import "fmt"

// nextPolicy is the policy in `raw`, which takes the place of the one held if it is not older. A refusal keeps the last
// good one.
func nextPolicy(held *policy, raw []byte) (*policy, *Unusable) {
	found, fault := readPolicy(raw)
	if fault == nil && held != nil {
		fault = notOlder("generation", held.generation, held.digest, found.generation, found.digest)
	}
	if fault != nil {
		return nil, fault
	}
	return found, nil
}

// nextUsage is the usage in `raw`, which is not older than the one held and speaks of every cap.
func nextUsage(held *usage, by *policy, raw []byte) (*usage, *Unusable) {
	found, fault := readUsage(raw)
	if fault == nil && held != nil {
		fault = notOlder("seq", held.seq, held.digest, found.seq, found.digest)
	}
	if fault != nil {
		return nil, fault
	}
	// made for another policy, it may know other caps: then the decision looks bucket by bucket
	if by != nil && found.policyGeneration == by.generation {
		if missing := missingMeter(by, found); missing != "" {
			return nil, &Unusable{"meter", fmt.Sprintf("it says nothing of %s, which the policy caps", missing)}
		}
	}
	return found, nil
}

func notOlder(word string, held int64, heldDigest string, found int64, foundDigest string) *Unusable {
	if found < held {
		return &Unusable{"older", fmt.Sprintf("its %s is %d, after %d was seen", word, found, held)}
	}
	if found == held && foundDigest != heldDigest {
		return &Unusable{"conflict", fmt.Sprintf("%s %d was seen with another content: two publishers", word, found)}
	}
	return nil
}
