// What one decision looks at besides the state: the pair of files a request began with, and who is asking.

interface Who {
  readonly writer: string;
  /** One process that counts its own bytes, instead of a fleet that lives on grants. */
  readonly simple: boolean;
  /** A process that counts for itself may do without a usage file, but not lose one. */
  readonly expectsUsage: boolean;
  /** When this process started, if it leaves alone the grants that a process before it may have used. */
  readonly bornMs: bigint | null;
  /** Rules that are left out. For the tests: a vector that does not notice proves nothing. */
  readonly off: ReadonlySet<Rule>;
}

class View {
  readonly policy: Policy;
  readonly repository: Repository;
  readonly usage: Usage | null;
  /** When the policy was last seen in force. */
  readonly confirmedMs: bigint;
  readonly who: Who;

  constructor(policy: Policy, repository: Repository, usage: Usage | null, confirmedMs: bigint, who: Who) {
    this.policy = policy;
    this.repository = repository;
    this.usage = usage;
    this.confirmedMs = confirmedMs;
    this.who = who;
  }

  isOff(rule: Rule): boolean {
    return this.who.off.has(rule);
  }

  get seq(): bigint {
    return this.usage?.seq ?? 0n;
  }

  /** Whether nobody has confirmed the policy for so long that it must not be written by. */
  hasExpired(nowMs: bigint): boolean {
    const found = this.repository;
    return found.onExpired === "read_only" && nowMs >= this.confirmedMs + found.expiresAfterMs;
  }

  bucket(name: string): Bucket {
    const found = this.policy.buckets.get(name);
    if (found === undefined) throw new RangeError(`the policy has no bucket '${name}'`);
    return found;
  }

  use(name: string): BucketUse | null {
    return this.usage?.buckets.get(name) ?? null;
  }

  /** How many share what is left of a bucket. */
  writers(name: string): bigint {
    if (this.isOff("2.share")) return 1n;
    return larger(1n, larger(this.bucket(name).writers, this.use(name)?.writers ?? 1n));
  }

  /** Whether a process of the same name may have written under these grants before this one started. */
  isTooYoung(publishedMs: bigint): boolean {
    if (this.who.bornMs === null || this.isOff("2.born")) return false;
    return publishedMs <= this.who.bornMs + this.repository.skewMs;
  }

  /** When the next usage may be there. */
  nextPollMs(nowMs: bigint): bigint {
    if (this.usage === null) return nowMs + POLL_MS;
    const due = this.usage.publishedMs + this.usage.pollMs;
    return due > nowMs ? due : nowMs + this.usage.pollMs;
  }
}

/** One write. */
interface WriteRequest {
  readonly size: bigint;
  /** Whether the body can be sent again from its beginning. */
  readonly isRepeatable: boolean;
  /** The bucket that holds the key, when it is overwritten. */
  readonly only: string | null;
}
