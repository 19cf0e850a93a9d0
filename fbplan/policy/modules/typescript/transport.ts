// The seam to a store: what an adapter for an SDK gives. One call is one request: the SDK's own retries are off.

/** One bucket as a repository reaches it. A client may be kept by (endpoint, protocol, key id), never by less. */
export interface Place {
  readonly repository: string;
  readonly bucket: string;
  /** What an SDK call names as the bucket. */
  readonly address: string;
  readonly folder: string;
  readonly protocol: "S3" | "GCS" | "BLOB" | "";
  readonly endpoint: string | null;
  readonly writeKeyId: string | null;
  readonly readKeyId: string | null;
}

function placeOf(policy: Policy, repository: Repository, name: string): Place {
  const bucket = policy.buckets.get(name);
  if (bucket === undefined) throw new RangeError(`the policy has no bucket '${name}'`);
  const folder = bucket.folders.get(repository.name) ?? "";
  return {
    repository: repository.name,
    bucket: name,
    address: { name: bucket.address, container: bucket.container, folder }[repository.address],
    folder,
    protocol: repository.protocol,
    endpoint: repository.endpoint,
    writeKeyId: repository.writeKeyId,
    readKeyId: repository.readKeyId,
  };
}

function barePlace(repository: string, bucket: string): Place {
  return { repository, bucket, address: bucket, folder: "", protocol: "", endpoint: null, writeKeyId: null, readKeyId: null };
}

export interface FailureDetails {
  readonly retryAfterMs?: number | null;
  /** False only when certainly no byte of the body left: a name that does not resolve, a refused connection. */
  readonly wasSent?: boolean;
  readonly cause?: unknown;
}

/** A request that was not answered with success. `status` 0: no answer. `code`: the store's own word (`QUOTA_EXCEEDED`). */
export class TransportFailure extends Error {
  override readonly name = "TransportFailure";
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number | null;
  readonly wasSent: boolean;

  constructor(status: number, code = "", details: FailureDetails = {}) {
    super(`${status === 0 ? "no answer" : status} ${code}`.trim(), { cause: details.cause });
    this.status = status;
    this.code = code;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.wasSent = details.wasSent ?? true;
  }
}

/** What a store says of an object. Keys of `metadata` are in lower case. */
export interface Head {
  readonly size: number;
  readonly etag: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a store says of a put. `answer` is the SDK's own. */
export interface Stored {
  readonly etag: string | null;
  readonly answer: unknown;
}

/** An object and its content, as the adapter has it. */
export interface Got {
  readonly head: Head;
  readonly content: unknown;
}

/** One line of a listing. */
export interface Entry {
  readonly key: string;
  readonly size: number;
  readonly etag: string | null;
}

export type Bytes = Uint8Array | AsyncIterable<Uint8Array>;

export interface PutSettings {
  readonly size: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** Ask the store to refuse a key that is there: `If-None-Match: *`, `ifGenerationMatch: 0`. */
  readonly writeOnce: boolean;
  readonly timeoutMs: number;
  /** What the caller of the router wants to reach the SDK. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface CallSettings {
  readonly timeoutMs: number;
}

/**
 * One request each. Rejects with TransportFailure for everything that is no success, and with nothing else.
 * `head` gives null and `get` fails with 404 when the key is not there; `delete` of such a key is a success.
 * `list` gives all pages.
 */
export interface Transport {
  put(place: Place, key: string, body: Bytes, settings: PutSettings): Promise<Stored>;
  head(place: Place, key: string, settings: CallSettings): Promise<Head | null>;
  get(place: Place, key: string, settings: CallSettings): Promise<Got>;
  delete(place: Place, key: string, settings: CallSettings): Promise<void>;
  list(place: Place, prefix: string, settings: CallSettings): Promise<readonly Entry[]>;
  /** Load the credentials again; clients with old ones finish what they are at. */
  reload(): Promise<void>;
}

/** The longest that a timer of Node can be set to; a longer one would go off at once. */
const LONGEST_TIMER_MS = 2n ** 31n - 1n;

function timerMs(ms: bigint): number {
  return Number(smaller(ms, LONGEST_TIMER_MS));
}

/** What a call gave, or how it failed. Whatever is no TransportFailure is a fault of the adapter, and thrown on. */
async function came<T>(call: Promise<T>): Promise<{ readonly value: T } | { readonly failure: TransportFailure }> {
  try {
    return { value: await call };
  } catch (fault) {
    if (fault instanceof TransportFailure) return { failure: fault };
    throw fault;
  }
}

function isAbsent(failure: TransportFailure): boolean {
  return failure.status === 404;
}
