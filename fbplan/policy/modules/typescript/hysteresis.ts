// Rule 4: what a cap closed opens again late, and for one writer after another.

/** What a hold says now: the rule that denies, if one does; and the hold as it is from now on. */
interface Held {
  readonly hold: Hold | null;
  readonly rule: Rule | null;
  readonly retryAtMs: bigint | null;
}

function heldAs(hold: Hold | null, rule: Rule | null = null, retryAtMs: bigint | null = null): Held {
  return { hold, rule, retryAtMs };
}

/** A writer's place in the ramp of a bucket, in ppm; the same in every language. */
function turn(writer: string, bucket: string, seq: bigint): bigint {
  const hashed = crypto.createHash("sha256").update(`${writer}|${bucket}|${seq}`, "utf8").digest();
  return BigInt(hashed.readUInt32BE(0)) % PPM;
}

/** How the hold of one tier of a bucket stands. */
function held(view: View, hold: Hold | null, nowMs: bigint, bucket: Bucket, tier: CapTier, found: Standing): Held {
  if (hold === null && found.scant.length === 0 && found.full.length === 0) return heldAs(null);
  if (found.period === "") return heldAs(hold); // use is not known: nothing is learnt about the cap
  if (found.full.includes(tier)) {
    if (hold === null || hold.liftedMs !== null) {
      return heldAs({ sinceMs: nowMs, seq: view.seq, period: found.period, liftedMs: null, liftedSeq: 0n });
    }
    // still closed by the cap itself: a newer showing and a new period count from here
    return heldAs({ ...hold, seq: view.seq, period: found.period });
  }
  if (view.isOff("4.hold")) return heldAs(null);
  if (hold === null || (hold.liftedMs !== null && hold.period === found.period)) {
    return resting(view, hold, nowMs, bucket, tier, found);
  }
  const denied = hold.liftedMs === null ? deniedBy(view, hold, nowMs, bucket, tier, found) : null;
  if (denied !== null) return denied;
  return ramping(view, { ...hold, period: found.period, liftedMs: nowMs, liftedSeq: view.seq }, nowMs, nowMs, bucket);
}

/** A hold that denies nothing but its ramp. Who had no room is held so too: all have some when a period begins. */
function resting(view: View, hold: Hold | null, nowMs: bigint, bucket: Bucket, tier: CapTier, found: Standing): Held {
  if (hold === null) {
    if (!found.scant.includes(tier)) return heldAs(null);
    const liftedMs = nowMs - view.repository.rampMs;
    return heldAs({ sinceMs: nowMs, seq: view.seq, period: found.period, liftedMs, liftedSeq: 0n });
  }
  if (found.scant.includes(tier) || found.tier === "closed" || hold.liftedMs === null) return heldAs(hold);
  return ramping(view, hold, hold.liftedMs, nowMs, bucket);
}

function deniedBy(view: View, hold: Hold, nowMs: bigint, bucket: Bucket, tier: CapTier, found: Standing): Held | null {
  const [cap] = bucket.written;
  const level = cap === undefined ? 0n : levelOf(view, cap[tier]);
  const knownUse = found.used + (view.who.simple ? found.own * view.writers(bucket.name) : 0n);
  const hasFallen = view.seq > hold.seq && knownUse <= level;
  if (!hasFallen && found.period === hold.period) {
    return heldAs(hold, "4.hold", view.usage === null ? found.retryAtMs : view.nextPollMs(nowMs));
  }
  const opensMs = hold.sinceMs + view.repository.minClosedMs;
  return nowMs < opensMs && !view.isOff("4.min") ? heldAs(hold, "4.min", opensMs) : null;
}

function ramping(view: View, hold: Hold, beganMs: bigint, nowMs: bigint, bucket: Bucket): Held {
  const length = view.repository.rampMs;
  if (length === 0n || nowMs >= beganMs + length || view.isOff("4.ramp")) return heldAs(null);
  const mine = turn(view.who.writer, bucket.name, hold.liftedSeq);
  if (mine < floorDiv((nowMs - beganMs) * PPM, length)) return heldAs(hold);
  // the first millisecond at which the ramp has passed this writer's place
  return heldAs(hold, "4.ramp", beganMs - floorDiv(-(mine + 1n) * length, PPM));
}
