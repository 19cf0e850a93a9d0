// What was used and what may still be written: `fbplan.usage/1`, published by the poller at each poll.

const USAGE_FORMAT = "fbplan.usage/1";
const QUALITIES = ["ok", "partial", "stale", "unknown"] as const;
const NODES = ["ONLINE", "OFFLINE", "DISCONNECTED", "UNKNOWN"] as const;
const TIERS = ["soft", "hard"] as const;
type CapTier = (typeof TIERS)[number];

/** Use of one meter in its period, and the bytes that the whole fleet may start before the bucket's expiry. */
interface MeterUse {
  readonly period: string;
  readonly used: bigint;
  readonly soft: bigint;
  readonly hard: bigint;
  readonly resetsMs: bigint | null;
}

interface BucketUse {
  readonly quality: (typeof QUALITIES)[number];
  readonly meters: ReadonlyMap<string, MeterUse>;
  readonly expiresMs: bigint;
  /** The number of writers that the poller had in mind; the larger of this and the policy's divides a grant. */
  readonly writers: bigint;
  readonly node: (typeof NODES)[number];
  readonly putP95Us: bigint;
  readonly samples: bigint;
}

interface Usage {
  readonly policyGeneration: bigint;
  readonly seq: bigint;
  readonly digest: string;
  readonly publishedMs: bigint;
  readonly asOfMs: bigint;
  readonly pollMs: bigint;
  readonly buckets: ReadonlyMap<string, BucketUse>;
}

/** The usage in the bytes of a file. Throws Unusable. */
function readUsage(raw: Uint8Array): Usage {
  const document = parseDocument(raw, USAGE_FORMAT);
  document.digest("policy_digest");
  document.integer("max_lag_s");
  document.integer("min_reader", 1n, 1n);
  return {
    policyGeneration: document.integer("policy_generation", undefined, 1n),
    seq: document.integer("seq", undefined, 1n),
    digest: document.digest("digest"),
    publishedMs: document.time("published_at"),
    asOfMs: document.time("as_of"),
    pollMs: document.integer("poll_s", undefined, 1n) * 1000n,
    buckets: new Map(document.named("buckets", true).map(([name, part]) => [name, readBucketUse(part)])),
  };
}

function readBucketUse(part: Part): BucketUse {
  if (!part.held.has("meters")) throw new Unusable("shape", `${part.at}.meters: missing`);
  const meters = part.part("meters");
  const known = METERS.filter((name) => meters.held.has(name));
  return {
    quality: part.word("quality", QUALITIES),
    meters: new Map(known.map((name) => [name, readMeterUse(meters.part(name))])),
    expiresMs: part.time("expires_at"),
    writers: part.integer("writers", 1n),
    node: part.word("node", NODES, "UNKNOWN"),
    putP95Us: part.integer("put_p95_us", 0n),
    samples: part.integer("samples", 0n),
  };
}

function readMeterUse(part: Part): MeterUse {
  const granted = new Map<CapTier, bigint>();
  for (const grant of part.each("grants")) {
    grant.text("id");
    const tier = grant.word("tier", TIERS);
    if (granted.has(tier)) throw new Unusable("shape", `${grant.at}: a second grant of tier ${tier}`);
    granted.set(tier, grant.integer("bytes"));
  }
  return {
    period: part.text("period"),
    used: part.integer("used"),
    soft: granted.get("soft") ?? 0n,
    hard: granted.get("hard") ?? 0n,
    resetsMs: part.held.has("resets_at") ? part.time("resets_at") : null,
  };
}

/** A capped meter of the policy that the usage does not speak of, as `bucket.meter`; null when all are there. */
function missingMeter(policy: Policy, usage: Usage): string | null {
  for (const [name, bucket] of policy.buckets) {
    const found = usage.buckets.get(name);
    const missing = bucket.meters.find((cap) => cap.limit !== null && !found?.meters.has(cap.name));
    if (missing !== undefined) return `${name}.${missing.name}`;
  }
  return null;
}
