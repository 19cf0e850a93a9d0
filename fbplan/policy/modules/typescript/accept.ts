// Whether a file that was read takes the place of the one in force. A refusal keeps the last good one.

/** The policy in `raw`, which is not older than the one held. Throws Unusable. */
function nextPolicy(held: Policy | null, raw: Uint8Array): Policy {
  const found = readPolicy(raw);
  if (held !== null) notOlder("generation", [held.generation, held.digest], [found.generation, found.digest]);
  return found;
}

/** The usage in `raw`, which is not older than the one held and speaks of every cap. Throws Unusable. */
function nextUsage(held: Usage | null, policy: Policy | null, raw: Uint8Array): Usage {
  const found = readUsage(raw);
  if (held !== null) notOlder("seq", [held.seq, held.digest], [found.seq, found.digest]);
  // made for another policy, it may know other caps: then the decision looks bucket by bucket
  if (policy !== null && found.policyGeneration === policy.generation) {
    const missing = missingMeter(policy, found);
    if (missing !== null) throw new Unusable("meter", `it says nothing of ${missing}, which the policy caps`);
  }
  return found;
}

function notOlder(word: string, held: readonly [bigint, string], found: readonly [bigint, string]): void {
  if (found[0] < held[0]) throw new Unusable("older", `its ${word} is ${found[0]}, after ${held[0]} was seen`);
  if (found[0] === held[0] && found[1] !== held[1]) {
    throw new Unusable("conflict", `${word} ${found[0]} was seen with another content: two publishers`);
  }
}
