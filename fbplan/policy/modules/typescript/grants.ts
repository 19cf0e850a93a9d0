// Expiring grants: how a writer checks its share, and how a poller shares out what is left of a cap.

/** What a poller assumes about the statistics and the writers of one bucket. */
interface Terms {
  readonly pollMs: bigint;
  readonly lagMs: bigint;
  readonly ttlMs: bigint;
  readonly skewMs: bigint;
  readonly uploadMs: bigint;
}

/** Bytes that all writers of a bucket together may start before the expiry. */
interface Grant {
  readonly tier: CapTier;
  readonly bytes: bigint;
  readonly expiresMs: bigint;
}

/** Whether a writer may start bytes under a grant, by its own clock. */
function isLive(nowMs: bigint, expiresMs: bigint, skewMs: bigint): boolean {
  return nowMs < expiresMs - skewMs;
}

/** Whether a writer's share has room for a write; one that is used up has none for an empty object either. */
function covers(room: bigint, own: bigint, size: bigint): boolean {
  return own < room && own + size <= room;
}

/** Grants that may be out at the same time, the new one included. */
function rounds(terms: Terms): bigint {
  const span = terms.lagMs + terms.ttlMs + terms.uploadMs + 2n * terms.skewMs;
  return -floorDiv(-span, terms.pollMs) + 1n;
}

/** The grant of one tier at one poll: a K-th of what is left of its cap, and never more than what is certainly left. */
function grantOf(tier: CapTier, cap: bigint, used: bigint, earlier: readonly Grant[], nowMs: bigint, asOfMs: bigint, terms: Terms): Grant {
  const unknown = earlier.filter((grant) => grant.tier === tier && grant.expiresMs + terms.skewMs + terms.uploadMs > asOfMs);
  const out = unknown.reduce((sum, grant) => sum + grant.bytes, 0n);
  const left = larger(0n, cap - used);
  return { tier, bytes: larger(0n, smaller(left / rounds(terms), left - out)), expiresMs: nowMs + terms.ttlMs };
}
