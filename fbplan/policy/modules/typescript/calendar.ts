// Periods of a meter by the clock of this process. Only a process that counts for itself needs them.

/** One period; `endsMs` null never ends. */
interface Span {
  readonly key: string;
  readonly startsMs: bigint;
  readonly endsMs: bigint | null;
}

/** The period in which `nowMs` lies. Its key is the month in which it started, `2026-11`. */
function spanAt(period: Period, nowMs: bigint): Span {
  if (period.kind === "none") return { key: "none", startsMs: 0n, endsMs: null };
  const [year, month, day] = dateOf(floorDiv(nowMs + offsetMs(period.tz, nowMs), DAY_MS));
  const began = day < period.anchorDay ? monthAfter(year, month, -1n) : ([year, month] as const);
  return {
    key: monthKey(...began),
    startsMs: monthStartMs(period, ...began),
    endsMs: monthStartMs(period, ...monthAfter(...began, 1n)),
  };
}

/** The key of the period before. */
function keyBefore(key: string): string {
  if (key === "none") return key;
  return monthKey(...monthAfter(BigInt(key.slice(0, 4)), BigInt(key.slice(5)), -1n));
}

function monthKey(year: bigint, month: bigint): string {
  return `${digits(year, 4)}-${digits(month, 2)}`;
}

function monthAfter(year: bigint, month: bigint, by: bigint): readonly [bigint, bigint] {
  const months = year * 12n + month - 1n + by;
  return [floorDiv(months, 12n), floorMod(months, 12n) + 1n];
}

function monthStartMs(period: Period, year: bigint, month: bigint): bigint {
  const local = dayNumber(year, month, period.anchorDay) * DAY_MS;
  // twice, because the offset of the first guess may be that of the other side of a change of clocks
  const guess = local - offsetMs(period.tz, local);
  return local - offsetMs(period.tz, guess);
}

const ZONES = new Map<string, Intl.DateTimeFormat | null>();

function offsetMs(tz: string, atMs: bigint): bigint {
  if (tz === "UTC") return 0n;
  const zone = zoneOf(tz);
  if (zone === null) return 0n; // a machine without time zones: a period is at most 14 hours off
  const at = floorDiv(atMs, 1000n) * 1000n;
  const part: Record<string, number> = {};
  for (const { type, value } of zone.formatToParts(Number(at))) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return BigInt(Date.UTC(year, month - 1, day, hour, minute, second)) - at;
}

function zoneOf(tz: string): Intl.DateTimeFormat | null {
  const known = ZONES.get(tz);
  if (known !== undefined) return known;
  const made = madeZone(tz);
  ZONES.set(tz, made);
  return made;
}

function madeZone(timeZone: string): Intl.DateTimeFormat | null {
  const all = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" } as const;
  try {
    const made = new Intl.DateTimeFormat("en-US", { ...all, timeZone, hourCycle: "h23" });
    const named = made.resolvedOptions().timeZone;
    // other languages know a zone only as it is written
    const isWritten = named === timeZone || named.toLowerCase() !== timeZone.toLowerCase();
    return isWritten && !/^[-+]/.test(timeZone) ? made : null;
  } catch {
    return null;
  }
}
