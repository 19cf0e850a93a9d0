// What the adapters share: clients by what makes them different, and errors by status and code.

/** Which key of the policy: `read` only where the policy names a key for it. */
export type KeyUse = "write" | "read";

function readUse(place: Place): KeyUse {
  return place.readKeyId === null ? "write" : "read";
}

/** A client for each endpoint, protocol and key id, so that a rotated key never meets an old client. */
class Clients<C> {
  private readonly made = new Map<string, Promise<C>>();
  private readonly make: (place: Place, use: KeyUse) => Promise<C>;

  constructor(make: (place: Place, use: KeyUse) => Promise<C>) {
    this.make = make;
  }

  of(place: Place, use: KeyUse): Promise<C> {
    const keyId = use === "read" ? place.readKeyId : place.writeKeyId;
    const name = JSON.stringify([place.endpoint, place.protocol, keyId]);
    const known = this.made.get(name);
    if (known !== undefined) return known;
    const made = this.make(place, use);
    this.made.set(name, made);
    made.catch(() => this.made.delete(name)); // whoever asked is told; the next one may have more luck
    return made;
  }

  /** The next request makes a new client; those under way keep theirs. */
  clear(): void {
    this.made.clear();
  }
}

/** Names by which no connection was made, so that no byte was sent. */
const UNSENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);
const ABORTED = new Set(["AbortError", "TimeoutError"]);

/** The failure behind an error without a status; an error that comes from no network is a fault of the call, and itself. */
function unanswered(fault: any): unknown {
  const isNetwork = typeof fault?.code === "string" || ABORTED.has(fault?.name);
  if (!isNetwork) return fault;
  const code = String(fault.code ?? fault.name);
  return new TransportFailure(0, code, { wasSent: !UNSENT.has(code), cause: fault });
}

/** Milliseconds of a Retry-After in seconds; a date would be by the server's clock. */
function retryAfterIn(header: unknown): number | null {
  return typeof header === "string" && /^[0-9]{1,9}$/.test(header) ? Number(header) * 1000 : null;
}

function asStream(body: Bytes): stream.Readable {
  return stream.Readable.from(body instanceof Uint8Array ? [body] : body, { objectMode: false });
}

function metadataIn(found: unknown): Record<string, string> {
  const entries = Object.entries((found ?? {}) as Record<string, string>);
  return Object.fromEntries(entries.map(([key, value]) => [key.toLowerCase(), value]));
}
