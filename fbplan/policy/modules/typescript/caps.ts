// Rule 2: what the caps of a bucket say to one write.

type Tier = "open" | "last" | "closed";

/** How a bucket stands with one cap, for a write of some size. Bytes; `room` is what this writer may start. */
interface Standing {
  readonly tier: Tier;
  readonly rule: Rule;
  /** When a bucket that this cap closes may open again. */
  readonly retryAtMs: bigint | null;
  readonly used: bigint;
  readonly own: bigint;
  readonly limit: bigint | null;
  readonly room: bigint;
  readonly period: string;
  /** The tiers whose cap refuses such a write whoever makes it: there the hysteresis begins. */
  readonly full: readonly CapTier[];
  /** The tiers of which a whole share is too small for the write, however far use is from their cap. */
  readonly scant: readonly CapTier[];
}

type Rooms = readonly [soft: bigint, hard: bigint];

function standsAs(tier: Tier, rule: Rule, known: Partial<Standing> = {}): Standing {
  return { retryAtMs: null, used: 0n, own: 0n, limit: null, room: 0n, period: "", full: [], scant: [], ...known, tier, rule };
}

/** The gravest of what the caps of a bucket say. */
function standing(view: View, local: Local, nowMs: bigint, name: string, size: bigint): Standing {
  const bucket = view.bucket(name);
  let found = standsAs("open", "2.unlimited");
  if (view.isOff("2.unlimited") && bucket.written.length === 0) {
    return standsAs("closed", "2.unknown", { retryAtMs: view.nextPollMs(nowMs) });
  }
  for (const cap of bucket.written) {
    found = writtenStanding(view, local, nowMs, name, cap, size);
    if (found.tier === "closed") return found;
  }
  const isHinted = found.tier === "open" && !view.isOff("2.hint") && hasHint(view, bucket);
  return isHinted ? { ...found, tier: "last", rule: "2.hint" } : found;
}

function hasHint(view: View, bucket: Bucket): boolean {
  const use = view.use(bucket.name);
  return bucket.meters.some((cap) => {
    const meter = use?.meters.get(cap.name);
    return cap.name !== WRITTEN && cap.limit !== null && meter !== undefined && meter.used >= cap.soft;
  });
}

function writtenStanding(view: View, local: Local, nowMs: bigint, name: string, cap: Meter, size: bigint): Standing {
  const use = view.use(name);
  const meter = use?.meters.get(cap.name);
  const { usage } = view;
  if (usage === null || use === null || meter === undefined || use.quality === "unknown") {
    if (view.who.simple && usage === null && !view.who.expectsUsage) {
      return countedAlone(view, local, nowMs, name, cap, size);
    }
    if (view.isOff("2.unknown")) return standsAs("open", "2.open", { limit: cap.limit });
    return standsAs("closed", "2.unknown", { retryAtMs: view.nextPollMs(nowMs), limit: cap.limit });
  }
  if (view.who.simple) return counted(view, local, nowMs, name, cap, size, usage, meter);
  const known = { used: meter.used, limit: cap.limit, period: meter.period };
  const closed = { ...known, retryAtMs: view.nextPollMs(nowMs) };
  if (!isLive(nowMs, use.expiresMs, view.repository.skewMs) && !view.isOff("2.expired")) {
    return standsAs("closed", "2.expired", closed);
  }
  if (view.isTooYoung(usage.publishedMs)) return standsAs("closed", "2.born", closed);
  const writers = view.writers(name);
  const own = view.isOff("2.own") ? 0n : startedUnder(local, view.seq);
  const rooms: Rooms = [meter.soft / writers, meter.hard / writers];
  // even with nothing started, the share of this snapshot is too small
  const full = fullTiers(view, cap, meter.used, rooms, 0n, size);
  const scant = TIERS.filter((tier) => !covers(tier === "soft" ? rooms[0] : rooms[1], 0n, size));
  const reset = resetMs(meter, cap);
  const retryAtMs = meter.used >= cap.hard && reset !== null ? reset : view.nextPollMs(nowMs);
  return tiered(view, rooms, size, { ...known, retryAtMs, own, full, scant });
}

/** One process on top of the statistics: what it started too late for them to know is added. */
function counted(
  view: View, local: Local, nowMs: bigint, name: string, cap: Meter, size: bigint, usage: Usage, meter: MeterUse,
): Standing {
  const late = SLOT_MS + view.repository.maxUploadMs;
  const unseen = local.slots.filter(([start]) => start + late > usage.asOfMs);
  const own = unseen.reduce((sum, [, count]) => sum + count, 0n);
  const retryAtMs = resetMs(meter, cap) ?? view.nextPollMs(nowMs);
  return remaining(view, name, cap, size, { retryAtMs, used: meter.used, own, limit: cap.limit, period: meter.period });
}

/** One process without statistics: what it started in the period is what was used. */
function countedAlone(view: View, local: Local, nowMs: bigint, name: string, cap: Meter, size: bigint): Standing {
  const span = spanAt(cap.period, nowMs);
  const totals = new Map(local.totals);
  const total = (key: string): bigint => totals.get(key) ?? 0n;
  const gracedMs = span.startsMs + cap.period.graceMs;
  const before = total(keyBefore(span.key));
  // the store may still book to the period before, and then takes the new bytes on top of the old ones
  const isGrace = nowMs < gracedMs && before > 0n;
  const period = isGrace ? keyBefore(span.key) : span.key;
  const own = total(span.key) + (isGrace ? before : 0n);
  const retryAtMs = isGrace ? gracedMs : span.endsMs === null ? null : span.endsMs + cap.period.graceMs;
  return remaining(view, name, cap, size, { retryAtMs, used: 0n, own, limit: cap.limit, period });
}

function remaining(
  view: View, name: string, cap: Meter, size: bigint, found: Partial<Standing> & { used: bigint; own: bigint },
): Standing {
  const writers = view.writers(name);
  const own = view.isOff("2.own") ? 0n : found.own;
  const rooms: Rooms = [larger(0n, cap.soft - found.used) / writers, larger(0n, cap.hard - found.used) / writers];
  const full = fullTiers(view, cap, found.used + own * writers, rooms, own, size);
  return tiered(view, rooms, size, { ...found, own, full });
}

/** The tiers that are full: use is where a closed bucket stays closed, and the write does not fit. */
function fullTiers(view: View, cap: Meter, used: bigint, rooms: Rooms, own: bigint, size: bigint): CapTier[] {
  if (used < levelOf(view, cap.soft)) return []; // and so it is under that of the hard cap
  const full: CapTier[] = [];
  if (!covers(rooms[0], own, size)) full.push("soft");
  if (used >= levelOf(view, cap.hard) && !covers(rooms[1], own, size)) full.push("hard");
  return full;
}

/** Under this use a bucket that a cap closed may open again, and above it a refusal closes it. */
function levelOf(view: View, capBytes: bigint): bigint {
  return (capBytes * view.repository.reopenPpm) / PPM;
}

/** A write under the soft grant counts against the hard one too, so it needs both. */
function tiered(view: View, rooms: Rooms, size: bigint, known: Partial<Standing> & { own: bigint }): Standing {
  const soft = covers(rooms[0], known.own, size) || view.isOff("2.open");
  const hard = covers(rooms[1], known.own, size) || view.isOff("2.closed");
  if (!hard || (!soft && view.isOff("2.last"))) return standsAs("closed", "2.closed", { ...known, room: rooms[1] });
  return soft
    ? standsAs("open", "2.open", { ...known, room: rooms[0] })
    : standsAs("last", "2.last", { ...known, room: rooms[1] });
}

function resetMs(meter: MeterUse, cap: Meter): bigint | null {
  return meter.resetsMs === null ? null : meter.resetsMs + cap.period.graceMs;
}
