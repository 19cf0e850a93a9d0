// Times as integer milliseconds since 1970 in UTC, and back, without a library: every language gets the same.

const DAY_MS = 86_400_000n;
const STAMP = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z$/;
const MONTHS = [31n, 28n, 31n, 30n, 31n, 30n, 31n, 31n, 30n, 31n, 30n, 31n];

/** Division that rounds down; that of bigint cuts off. */
function floorDiv(a: bigint, b: bigint): bigint {
  const cut = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? cut - 1n : cut;
}

function floorMod(a: bigint, b: bigint): bigint {
  return a - floorDiv(a, b) * b;
}

/** Days since 1970-01-01 of a date of the Gregorian calendar. */
function dayNumber(year: bigint, month: bigint, day: bigint): bigint {
  const counted = month <= 2n ? year - 1n : year;
  const era = floorDiv(counted, 400n);
  const ofEra = counted - era * 400n;
  const ofYear = (153n * (month + (month > 2n ? -3n : 9n)) + 2n) / 5n + day - 1n;
  return era * 146_097n + ofEra * 365n + ofEra / 4n - ofEra / 100n + ofYear - 719_468n;
}

/** [year, month, day] of a day number: the reverse of `dayNumber`. */
function dateOf(day: bigint): [bigint, bigint, bigint] {
  const era = floorDiv(day + 719_468n, 146_097n);
  const ofEra = day + 719_468n - era * 146_097n;
  const year = (ofEra - ofEra / 1_460n + ofEra / 36_524n - ofEra / 146_096n) / 365n;
  const ofYear = ofEra - (365n * year + year / 4n - year / 100n);
  const shifted = (5n * ofYear + 2n) / 153n;
  const month = shifted + (shifted < 10n ? 3n : -9n);
  return [year + era * 400n + (month <= 2n ? 1n : 0n), month, ofYear - (153n * shifted + 2n) / 5n + 1n];
}

/** Milliseconds of an RFC 3339 time in UTC (`…Z`), cut off below the millisecond; null when it is none. */
function stampMs(text: string): bigint | null {
  const found = STAMP.exec(text);
  if (found === null) return null;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(BigInt) as [bigint, bigint, bigint, bigint, bigint, bigint];
  if (month < 1n || month > 12n || hour > 23n || minute > 59n || second > 59n || year === 0n) return null;
  const isLeap = year % 4n === 0n && (year % 100n !== 0n || year % 400n === 0n);
  const longest = (MONTHS[Number(month) - 1] ?? 0n) + (isLeap && month === 2n ? 1n : 0n);
  if (day < 1n || day > longest) return null;
  const fraction = BigInt((found[7] ?? "0").slice(0, 3).padEnd(3, "0"));
  return dayNumber(year, month, day) * DAY_MS + ((hour * 60n + minute) * 60n + second) * 1000n + fraction;
}

/** RFC 3339 in UTC; milliseconds only where there are any. */
function stampOf(ms: bigint): string {
  const rest = floorMod(ms, DAY_MS);
  const [year, month, day] = dateOf(floorDiv(ms, DAY_MS));
  const seconds = rest / 1000n;
  const fraction = rest % 1000n;
  const clock = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map((part) => digits(part, 2)).join(":");
  const date = `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
  return `${date}T${clock}${fraction === 0n ? "" : `.${digits(fraction, 3)}`}Z`;
}

function digits(value: bigint, least: number): string {
  return String(value).padStart(least, "0");
}
