// What this process knows that no file says. Every change gives a new state, so that a vector can replay them.

/** A cap that closed a bucket: since when and on what showing; and when it was lifted, from which on it ramps. */
interface Hold {
  readonly sinceMs: bigint;
  readonly seq: bigint;
  readonly period: string;
  readonly liftedMs: bigint | null;
  readonly liftedSeq: bigint;
}

type Counts<K> = readonly (readonly [K, bigint])[];

/** What is known of one bucket. */
interface Local {
  /** Seq of the usage, and bytes started under its grants; the newest last. */
  readonly granted: Counts<bigint>;
  /** Start of the minute, and bytes started in it; the newest last. */
  readonly slots: Counts<bigint>;
  /** Period, and bytes started in it; this one and the one before. */
  readonly totals: Counts<string>;
  readonly failures: bigint;
  readonly restsUntilMs: bigint;
  readonly probedUntilMs: bigint;
  readonly waitsUntilMs: bigint;
  /** The usage under which the store said that the quota is used up. */
  readonly quotaSeq: bigint | null;
  readonly quotaUntilMs: bigint;
  readonly soft: Hold | null;
  readonly hard: Hold | null;
}

const NOTHING_KNOWN: Local = {
  granted: [], slots: [], totals: [], failures: 0n, restsUntilMs: 0n, probedUntilMs: 0n, waitsUntilMs: 0n,
  quotaSeq: null, quotaUntilMs: 0n, soft: null, hard: null,
};

interface State {
  readonly buckets: ReadonlyMap<string, Local>;
  /** The bucket that took the last write. */
  readonly incumbent: string | null;
  readonly tokens: bigint;
  readonly tokensMs: bigint;
  /** When a bare 403 was seen, within the last minute. */
  readonly suspects: readonly bigint[];
}

function emptyState(): State {
  return { buckets: new Map(), incumbent: null, tokens: TOKENS, tokensMs: 0n, suspects: [] };
}

function localOf(state: State, name: string): Local {
  return state.buckets.get(name) ?? NOTHING_KNOWN;
}

function withLocal(state: State, name: string, changes: Partial<Local>): State {
  return { ...state, buckets: new Map(state.buckets).set(name, { ...localOf(state, name), ...changes }) };
}

/** Bytes started under the grants of a snapshot; of one that is forgotten, more than any grant. */
function startedUnder(local: Local, seq: bigint): bigint {
  const found = local.granted.find(([known]) => known === seq);
  if (found !== undefined) return found[1];
  const [oldest] = local.granted;
  return local.granted.length === SNAPSHOTS && oldest !== undefined && seq < oldest[0] ? MAX_INTEGER : 0n;
}

/** Bytes are about to be sent to a bucket, whatever becomes of them. */
function charged(state: State, view: View, nowMs: bigint, bucket: string, size: bigint): State {
  const local = localOf(state, bucket);
  // whoever comes while this try is under way shall not try too
  const isProbe = local.failures >= BREAKER_FAILURES || local.probedUntilMs !== 0n;
  const probe = isProbe ? { probedUntilMs: nowMs + view.repository.perTryMs } : {};
  const counted = view.isOff("7.charge") ? {} : counts(local, view, nowMs, bucket, size);
  return { ...withLocal(state, bucket, { ...counted, ...probe }), incumbent: bucket };
}

function counts(local: Local, view: View, nowMs: bigint, bucket: string, size: bigint): Partial<Local> {
  if (!view.who.simple) return { granted: added(local.granted, view.seq, size, SNAPSHOTS) };
  const [cap] = view.bucket(bucket).written;
  const totals = cap === undefined ? local.totals : added(local.totals, spanAt(cap.period, nowMs).key, size, 2);
  const slots = added(local.slots, nowMs - floorMod(nowMs, SLOT_MS), size, SLOTS + 1);
  const [oldest, second, ...rest] = slots;
  if (slots.length <= SLOTS || oldest === undefined || second === undefined) return { slots, totals };
  return { slots: [[second[0], oldest[1] + second[1]], ...rest], totals };
}

/** The counts with `size` more under `key`, which may not be the newest one; at most so many, the newest. */
function added<K extends bigint | string>(kept: Counts<K>, key: K, size: bigint, most: number): Counts<K> {
  const known = new Map(kept);
  known.set(key, (known.get(key) ?? 0n) + size);
  return [...known].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).slice(-most);
}

/** A write was stored. */
function succeeded(state: State, bucket: string): State {
  return answered({ ...state, tokens: smaller(TOKENS, state.tokens + TOKEN_OF_SUCCESS) }, bucket);
}

/** The bucket gave an answer that shows it alive, whatever the answer was. */
function answered(state: State, bucket: string): State {
  const local = localOf(state, bucket);
  if (local.failures === 0n && local.probedUntilMs === 0n) return state;
  return withLocal(state, bucket, { failures: 0n, restsUntilMs: 0n, probedUntilMs: 0n });
}

/** The bucket gave no answer, or one that says it is broken. */
function failed(state: State, nowMs: bigint, bucket: string): State {
  const local = localOf(state, bucket);
  const failures = local.failures + 1n;
  let restsUntilMs = local.restsUntilMs;
  if (failures >= BREAKER_FAILURES) {
    const doubled = REST_MS << smaller(failures - BREAKER_FAILURES, 16n);
    restsUntilMs = nowMs + smaller(doubled, LONGEST_REST_MS);
  }
  return withLocal(state, bucket, { failures, restsUntilMs, probedUntilMs: 0n });
}

/** The bucket asked for a pause. */
function paused(state: State, untilMs: bigint, bucket: string): State {
  return withLocal(state, bucket, { waitsUntilMs: larger(localOf(state, bucket).waitsUntilMs, untilMs) });
}

/** The store said that the quota is used up; that also says the key is good. */
function outOfQuota(state: State, view: View, nowMs: bigint, bucket: string): State {
  const quotaUntilMs = nowMs + view.repository.minClosedMs;
  return { ...withLocal(state, bucket, { quotaSeq: view.seq, quotaUntilMs }), suspects: [] };
}

/** A bare 403: quota, or a key that does not work. */
function suspected(state: State, nowMs: bigint): State {
  const recent = state.suspects.filter((at) => at > nowMs - SUSPECTS_MS);
  return { ...state, suspects: [...recent, nowMs].slice(-SUSPECTS) };
}

/** Thousandths of retries at hand. */
function tokensAt(state: State, nowMs: bigint): bigint {
  if (state.tokensMs === 0n) return state.tokens;
  const brought = (larger(0n, nowMs - state.tokensMs) * TOKEN_OF_SECOND) / 1000n;
  return smaller(TOKENS, state.tokens + brought);
}

/** A retry or a hop is about to be made. */
function retried(state: State, nowMs: bigint): State {
  return { ...state, tokens: tokensAt(state, nowMs) - TOKEN, tokensMs: nowMs };
}
