// The routing policy as the chooser holds it: `fbplan.routing/1` with every default filled in.

const POLICY_FORMAT = "fbplan.routing/1";
const METERS = ["ingress_bytes", "egress_bytes", "stored_bytes"] as const;
type MeterName = (typeof METERS)[number];
/** The meter that writes drive. Closing writes stops neither storage nor egress, so caps on those only give a hint. */
const WRITTEN = "ingress_bytes";
const PPM = 1_000_000n;
const PROTOCOLS = ["S3", "GCS", "BLOB"] as const;

interface Period {
  readonly kind: "month" | "none";
  readonly tz: string;
  readonly anchorDay: bigint;
  readonly graceMs: bigint;
}

/** One cap, in bytes. `limit` null is explicitly unlimited. */
interface Meter {
  readonly name: MeterName;
  readonly limit: bigint | null;
  readonly soft: bigint;
  readonly hard: bigint;
  readonly period: Period;
}

interface Bucket {
  readonly name: string;
  /** The live name; what a writer passes depends on the repository's `address`. */
  readonly address: string;
  readonly container: string;
  readonly state: "active" | "drain" | "closed";
  readonly writers: bigint;
  readonly folders: ReadonlyMap<string, string>;
  readonly meters: readonly Meter[];
  /** Those of the meters that close the bucket for writes. */
  readonly written: readonly Meter[];
}

/** One repository; times in milliseconds. */
interface Repository {
  readonly name: string;
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly mode: "NORMAL" | "MIRROR";
  readonly endpoint: string | null;
  readonly address: "name" | "container" | "folder";
  readonly skewMs: bigint;
  readonly maxUploadMs: bigint;
  readonly grantTtlMs: bigint;
  readonly staleAfterMs: bigint;
  readonly expiresAfterMs: bigint;
  readonly onExpired: "read_only" | "continue";
  readonly strategy: "ordered" | "latency";
  readonly reopenPpm: bigint;
  readonly minClosedMs: bigint;
  readonly rampMs: bigint;
  readonly deadlineMs: bigint;
  readonly perTryMs: bigint;
  readonly maxHops: bigint;
  readonly order: readonly string[];
  /** The access key ids, where they are known: clients are made again when they change. */
  readonly writeKeyId: string | null;
  readonly readKeyId: string | null;
  /** Every bucket an object of this repository may be in: the order, then the others by name. */
  readonly attached: readonly string[];
}

interface Policy {
  readonly generation: bigint;
  readonly digest: string;
  readonly repositories: ReadonlyMap<string, Repository>;
  readonly buckets: ReadonlyMap<string, Bucket>;
}

/** The policy in the bytes of a file. Throws Unusable. */
function readPolicy(raw: Uint8Array): Policy {
  const document = parseDocument(raw, POLICY_FORMAT);
  document.integer("min_reader", undefined, 1n);
  document.digest("spec_digest");
  document.digest("content_digest");
  const buckets = new Map(document.named("buckets", true).map(([name, part]) => [name, readBucket(name, part)]));
  const repositories = new Map(
    document.named("repositories", true).map(([name, part]) => [name, readRepository(name, part, buckets)]),
  );
  return { generation: document.integer("generation", undefined, 1n), digest: document.digest("digest"), repositories, buckets };
}

function readBucket(name: string, part: Part): Bucket {
  part.word("storage_type", PROTOCOLS);
  part.textOrNull("provider");
  part.textOrNull("region");
  part.text("bucket_id");
  const folders = part.names("folders").map(([repository, folder]): [string, string] => {
    if (typeof folder !== "string") throw new Unusable("shape", `${part.at}.folders: not only text`);
    return [repository, folder];
  });
  const meters = part.each("meters").map(readMeter);
  return {
    name,
    address: part.textOrNull("name") ?? name,
    container: part.text("container"),
    state: part.word("state", ["active", "drain", "closed"], "active"),
    writers: part.integer("writers", 1n),
    folders: new Map(folders),
    meters,
    written: meters.filter((cap) => cap.name === WRITTEN && cap.limit !== null),
  };
}

function readMeter(part: Part): Meter {
  const period = part.part("period");
  const limit = part.integerOrNull("limit");
  const share = (key: string, otherwise: bigint): bigint => part.integer(key, otherwise, 0n, PPM);
  const [softPpm, hardPpm, reservePpm] = [share("soft_ppm", 800_000n), share("hard_ppm", PPM), share("reserve_ppm", 0n)];
  if ((part.held.get("pool") ?? null) !== null) part.text("pool");
  const bytes = limit ?? 0n;
  const hard = (bytes * larger(0n, hardPpm - reservePpm)) / PPM;
  return {
    name: part.word("meter", METERS),
    limit,
    soft: smaller((bytes * softPpm) / PPM, hard),
    hard,
    period: {
      kind: period.word("kind", ["month", "none"], "month"),
      tz: period.textOrNull("tz") ?? "UTC",
      anchorDay: period.integer("anchor_day", 1n, 1n, 28n),
      graceMs: period.integer("rollover_grace_s", 7_200n) * 1000n,
    },
  };
}

function readRepository(name: string, part: Part, buckets: ReadonlyMap<string, Bucket>): Repository {
  const [fleet, valid, select, retry] = [part.part("fleet"), part.part("valid"), part.part("select"), part.part("retry")];
  const hysteresis = select.part("hysteresis");
  const order = part.nameList("order");
  const ordered = new Set(order);
  if (ordered.size !== order.length || !order.every((bucket) => buckets.has(bucket))) {
    throw new Unusable("shape", `${part.at}.order: not buckets of the policy, each once`);
  }
  const keys = part.part("keys");
  fleet.integer("size", 1n, 1n);
  part.text("repo_id");
  const others = [...buckets.values()].filter((bucket) => bucket.folders.has(name) && !ordered.has(bucket.name));
  return {
    name,
    protocol: part.word("protocol", PROTOCOLS),
    mode: part.word("mode", ["NORMAL", "MIRROR"], "NORMAL"),
    endpoint: part.textOrNull("endpoint"),
    address: part.word("address", ["name", "container", "folder"], "name"),
    skewMs: fleet.integer("skew_s", 2n) * 1000n,
    maxUploadMs: fleet.integer("max_upload_s", 300n) * 1000n,
    grantTtlMs: fleet.integer("grant_ttl_s", 90n) * 1000n,
    staleAfterMs: valid.integer("stale_after_s", 86_400n) * 1000n,
    expiresAfterMs: valid.integer("expires_after_s", 604_800n) * 1000n,
    onExpired: valid.word("on_expired", ["read_only", "continue"], "read_only"),
    strategy: select.word("strategy", ["ordered", "latency"], "ordered"),
    reopenPpm: hysteresis.integer("reopen_ppm", 950_000n, 0n, PPM),
    minClosedMs: hysteresis.integer("min_closed_s", 300n) * 1000n,
    rampMs: hysteresis.integer("ramp_s", 120n) * 1000n,
    deadlineMs: retry.integer("deadline_ms", 15_000n),
    perTryMs: retry.integer("per_try_ms", 5_000n),
    maxHops: retry.integer("max_hops", 3n),
    order,
    writeKeyId: readKeyId(keys, "write"),
    readKeyId: readKeyId(keys, "read"),
    attached: [...order, ...others.map((bucket) => bucket.name)],
  };
}

function readKeyId(keys: Part, use: string): string | null {
  if (!keys.held.has(use)) return null;
  const key = keys.part(use);
  key.text("sink");
  return key.textOrNull("key_id");
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
