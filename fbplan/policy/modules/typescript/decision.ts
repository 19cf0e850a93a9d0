// One decision: which bucket takes a write, and why every other does not. Rules 1 to 6.
// `decide` is a pure function of the files (the view), of what this process knows (the state), the time and the request.

/** One bucket of the repository, and the rule by which it may or may not take the write. */
interface Candidate {
  readonly bucket: string;
  readonly tier: Tier;
  readonly rule: Rule;
  readonly retryAtMs: bigint | null;
  readonly used: bigint;
  readonly own: bigint;
  readonly limit: bigint | null;
  readonly room: bigint;
}

/** `bucket` null means read-only: `retryAtMs` is the first time at which asking again makes sense, if any. */
interface Decision {
  readonly atMs: bigint;
  readonly bucket: string | null;
  readonly rule: Rule;
  readonly candidates: readonly Candidate[];
  readonly retryAtMs: bigint | null;
  /** Holds as they are from now on. */
  readonly holds: readonly { readonly bucket: string; readonly soft: Hold | null; readonly hard: Hold | null }[];
}

/** The bucket for the next try of a request that has `tried` some already. */
function decide(view: View, state: State, nowMs: bigint, request: WriteRequest, tried: readonly string[] = []): Decision {
  const candidates: Candidate[] = [];
  const holds: { bucket: string; soft: Hold | null; hard: Hold | null }[] = [];
  for (const name of view.repository.attached) {
    const local = localOf(state, name);
    const out = barred(view, local, nowMs, name, request, tried);
    if (out !== null) {
      candidates.push(out);
      continue;
    }
    const found = standing(view, local, nowMs, name, request.size);
    const soft = held(view, local.soft, nowMs, view.bucket(name), "soft", found);
    const hard = held(view, local.hard, nowMs, view.bucket(name), "hard", found);
    if (soft.hold !== local.soft || hard.hold !== local.hard) holds.push({ bucket: name, soft: soft.hold, hard: hard.hold });
    candidates.push(candidateOf(name, found, soft, hard));
  }
  const [picked, rule, shown] = pick(view, state, nowMs, candidates);
  const best = picked === null && view.isOff("6.readonly") ? (view.repository.order[0] ?? null) : picked;
  const times = shown.flatMap((candidate) => (candidate.retryAtMs === null ? [] : [candidate.retryAtMs]));
  const hasTime = picked === null && times.length > 0 && !view.isOff("6.retry_at");
  return { atMs: nowMs, bucket: best, rule, candidates: shown, retryAtMs: hasTime ? times.reduce(smaller) : null, holds };
}

/** The state after a decision was made: caps that closed and caps that opened are remembered. */
function noted(state: State, decision: Decision): State {
  return decision.holds.reduce((kept, { bucket, soft, hard }) => withLocal(kept, bucket, { soft, hard }), state);
}

function candidateOf(bucket: string, found: Standing, soft: Held, hard: Held): Candidate {
  const { used, own, limit, room } = found;
  const shown = { bucket, used, own, limit, room };
  if (found.tier === "closed") return { ...shown, tier: "closed", rule: found.rule, retryAtMs: found.retryAtMs };
  if (hard.rule !== null) return { ...shown, tier: "closed", rule: hard.rule, retryAtMs: hard.retryAtMs };
  if (found.tier === "open" && soft.rule !== null) return { ...shown, tier: "last", rule: soft.rule, retryAtMs: null };
  return { ...shown, tier: found.tier, rule: found.rule, retryAtMs: null };
}

/** Rule 1, the age of the policy, and a store that said no: whatever else, this bucket is out. */
function barred(
  view: View, local: Local, nowMs: bigint, name: string, request: WriteRequest, tried: readonly string[],
): Candidate | null {
  const [bucket, repository] = [view.bucket(name), view.repository];
  const out = (rule: Rule, retryAtMs: bigint | null = null): Candidate => ({
    bucket: name, tier: "closed", rule, retryAtMs, used: 0n, own: 0n, limit: null, room: 0n,
  });
  if (view.hasExpired(nowMs) && !view.isOff("6.expired")) return out("6.expired");
  if (!repository.order.includes(name) && !view.isOff("1.role")) return out("1.role");
  if (bucket.state !== "active" && !view.isOff("1.state")) return out("1.state");
  if (request.only !== null && request.only !== name && !view.isOff("1.pinned")) return out("1.pinned");
  if (bucket.written.some((cap) => request.size > cap.hard) && !view.isOff("1.size")) return out("1.size");
  if (tried.includes(name) && !view.isOff("1.tried")) return out("1.tried");
  if (local.quotaSeq !== null && view.seq <= local.quotaSeq && !view.isOff("8.quota")) {
    if (view.usage !== null) return out("8.quota", view.nextPollMs(nowMs));
    if (nowMs < local.quotaUntilMs) return out("8.quota", local.quotaUntilMs);
  }
  return null;
}

/** Rules 3 and 5, and the candidates with what health says of them. */
function pick(
  view: View, state: State, nowMs: bigint, candidates: readonly Candidate[],
): [string | null, Rule, readonly Candidate[]] {
  const [shown, well, ill]: [Candidate[], Candidate[], Candidate[]] = [[], [], []];
  for (const candidate of candidates) {
    const local = localOf(state, candidate.bucket);
    const out = candidate.tier === "closed" ? null : unhealthy(view, local, nowMs, candidate.bucket);
    if (out === null) {
      shown.push(candidate);
      if (candidate.tier !== "closed") well.push(candidate);
      continue;
    }
    shown.push({ ...candidate, tier: "closed", rule: out[0], retryAtMs: out[1] });
    if (out[0] !== "3.throttle" && local.probedUntilMs <= nowMs) ill.push(candidate);
  }
  if (well.length > 0) return [...first(view, state, well), shown];
  if (ill.length > 0 && !view.isOff("3.probe")) return [first(view, state, ill)[0], "3.probe", shown];
  return [null, "6.readonly", shown];
}

function unhealthy(view: View, local: Local, nowMs: bigint, name: string): [Rule, bigint] | null {
  const until = larger(local.restsUntilMs, local.probedUntilMs);
  if (nowMs < until && !view.isOff("3.breaker")) return ["3.breaker", until];
  if (nowMs < local.waitsUntilMs && !view.isOff("3.throttle")) return ["3.throttle", local.waitsUntilMs];
  const node = view.use(name)?.node;
  const isOut = node === "OFFLINE" || node === "DISCONNECTED";
  return isOut && !view.isOff("3.node") ? ["3.node", view.nextPollMs(nowMs)] : null;
}

/** The best of those that may take the write; `candidates` stand in the order of the policy. */
function first(view: View, state: State, candidates: readonly Candidate[]): [string, Rule] {
  const open = candidates.filter((candidate) => candidate.tier === "open");
  const best = view.isOff("5.tier") || open.length === 0 ? candidates : open;
  const names = best.map((candidate) => candidate.bucket);
  if (view.isOff("5.ordered")) names.sort(byCodePoint).reverse();
  const [foremost = ""] = names;
  if (view.repository.strategy !== "latency" || view.isOff("5.latency")) return [foremost, "5.ordered"];
  const incumbent = state.incumbent !== null && names.includes(state.incumbent) ? state.incumbent : foremost;
  return [fastest(view, incumbent, names), "5.latency"];
}

function fastest(view: View, incumbent: string, names: readonly string[]): string {
  const known = new Map<string, bigint>();
  for (const name of names) {
    const use = view.use(name);
    if (use !== null && use.samples >= LATENCY_SAMPLES && use.putP95Us > 0n) known.set(name, use.putP95Us);
  }
  const mine = known.get(incumbent);
  if (mine === undefined) return incumbent;
  // of equals the first in the order
  const [challenger, time] = [...known].reduce((best, found) => (found[1] < best[1] ? found : best));
  return time <= (mine * (PPM - LATENCY_MARGIN_PPM)) / PPM ? challenger : incumbent;
}
