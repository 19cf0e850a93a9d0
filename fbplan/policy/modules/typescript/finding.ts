// Reads, deletes and listings: over every bucket in which an object may be.

const MOST_HEADS = 3;
const NOT_ASKED = "not asked: at most 3 buckets are asked for a key without a reference";

/** Where a key was found. */
export interface Located {
  readonly place: Place;
  readonly head: Head;
}

/** `failed` maps each bucket that did not answer to the reason; the key may still be there. */
export interface Deleted {
  readonly isComplete: boolean;
  readonly failed: Readonly<Record<string, string>>;
}

/** Keys of all buckets, each once and with the first bucket that holds it; not complete when one did not answer. */
export interface Listing {
  readonly entries: readonly { readonly bucket: string; readonly entry: Entry }[];
  readonly isComplete: boolean;
  readonly failed: Readonly<Record<string, string>>;
}

/** The first place that holds the key. NotFound only if every place said so, else Unavailable. */
async function locate(transport: Transport, places: readonly Place[], key: string, timeoutMs: number): Promise<Located> {
  const missed = new Map<string, string>();
  for (const place of places.slice(0, MOST_HEADS)) {
    const answer = await came(transport.head(place, key, { timeoutMs }));
    if ("failure" in answer) {
      if (!isAbsent(answer.failure)) missed.set(place.bucket, answer.failure.message);
    } else if (answer.value !== null) {
      return { place, head: answer.value };
    }
  }
  for (const place of places.slice(MOST_HEADS)) missed.set(place.bucket, NOT_ASKED);
  throw notFound(`'${key}' was not found, but not every bucket answered`, key, missed);
}

/** The object from the first place that has it: the one place that is known, and then its mirrors. */
async function fetchFrom(transport: Transport, places: readonly Place[], key: string, timeoutMs: number): Promise<Got> {
  const missed = new Map<string, string>();
  for (const place of places) {
    const answer = await came(transport.get(place, key, { timeoutMs }));
    if ("value" in answer) return answer.value;
    if (!isAbsent(answer.failure)) missed.set(place.bucket, answer.failure.message);
  }
  throw notFound(`'${key}' cannot be read`, key, missed);
}

function notFound(told: string, key: string, missed: ReadonlyMap<string, string>): NotFound | Unavailable {
  if (missed.size === 0) return new NotFound(`no bucket holds '${key}'`);
  return new Unavailable(`${told}: ${[...missed.keys()].sort(byCodePoint).join(", ")}`, Object.fromEntries(missed));
}

/** Delete the key wherever it is. */
async function deleteFrom(transport: Transport, places: readonly Place[], key: string, timeoutMs: number): Promise<Deleted> {
  const missed = new Map<string, string>();
  for (const place of places) {
    const answer = await came(transport.delete(place, key, { timeoutMs }));
    if ("failure" in answer && !isAbsent(answer.failure)) missed.set(place.bucket, answer.failure.message);
  }
  return { isComplete: missed.size === 0, failed: Object.fromEntries(missed) };
}

/** The keys of every bucket in one list. */
async function listAll(transport: Transport, places: readonly Place[], prefix: string, timeoutMs: number): Promise<Listing> {
  const found = new Map<string, { bucket: string; entry: Entry }>();
  const missed = new Map<string, string>();
  for (const place of places) {
    const answer = await came(transport.list(place, prefix, { timeoutMs }));
    if ("failure" in answer) {
      missed.set(place.bucket, answer.failure.message);
      continue;
    }
    for (const entry of answer.value) {
      if (!found.has(entry.key)) found.set(entry.key, { bucket: place.bucket, entry });
    }
  }
  const entries = [...found.values()].sort((a, b) => byCodePoint(a.entry.key, b.entry.key));
  return { entries, isComplete: missed.size === 0, failed: Object.fromEntries(missed) };
}
