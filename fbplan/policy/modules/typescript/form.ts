// Reading a JSON object key by key: what is missing, of the wrong type or an unknown word makes the file unusable.

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** Bytes of the largest file that is looked at. */
const LARGEST_FILE = 256 * 1024 * 1024;
/** The version of this reader; a file whose `min_reader` is higher is not for it. */
const READER = 1n;

type Reason = "unreadable" | "torn" | "format" | "reader" | "digest" | "shape" | "meter" | "older" | "conflict";

/** The file cannot be used, so what was good before stays in force. */
class Unusable extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, told: string) {
    super(told);
    this.name = "Unusable";
    this.reason = reason;
  }
}

/** The document in `raw`, whole and untouched: JSON, of the expected format, for this reader, its digest right. */
function parseDocument(raw: Uint8Array, expected: string): Part {
  if (raw.length > LARGEST_FILE) throw new Unusable("shape", `it is larger than ${LARGEST_FILE} bytes`);
  const document = parseJson(decoded(raw));
  if (!(document instanceof Map) || document.get("format") !== expected) {
    throw new Unusable("format", `its format is not ${expected}`);
  }
  const wanted = document.has("min_reader") ? document.get("min_reader") : 1n;
  if (!isInteger(wanted)) throw new Unusable("shape", "min_reader is no integer");
  if (wanted > READER) throw new Unusable("reader", `it needs reader ${wanted}, this is ${READER}`);
  if (document.get("digest") !== statedDigest(document)) {
    throw new Unusable("digest", "its digest does not match: it was altered by hand or damaged");
  }
  return new Part("", document);
}

function decoded(raw: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw torn();
  }
}

function statedDigest(document: JsonObject): string {
  try {
    return digestOf(document);
  } catch {
    throw new Unusable("torn", "it holds text that is no text");
  }
}

function isInteger(value: Json | undefined): value is bigint {
  return typeof value === "bigint" && value >= -MAX_INTEGER && value <= MAX_INTEGER;
}

/** One JSON object of a document and where it stands. Keys that nobody asks for are ignored. */
class Part {
  readonly at: string;
  readonly held: JsonObject;

  constructor(at: string, held: JsonObject) {
    this.at = at;
    this.held = held;
  }

  integer(key: string, otherwise?: bigint, low = 0n, high = MAX_INTEGER): bigint {
    const found = this.found(key, otherwise);
    if (!isInteger(found) || found < low || found > high) throw this.wrong(key, `no integer from ${low} to ${high}`);
    return found;
  }

  /** An integer, or null where null has a meaning; leaving the key out is a fault. */
  integerOrNull(key: string): bigint | null {
    if (!this.held.has(key)) throw this.wrong(key, "missing");
    return this.held.get(key) === null ? null : this.integer(key);
  }

  text(key: string): string {
    const found = this.held.get(key);
    if (typeof found !== "string" || found === "") throw this.wrong(key, "no text");
    return found;
  }

  /** Text that may be left out; null is no way to leave it out. */
  textOrNull(key: string): string | null {
    return this.held.has(key) ? this.text(key) : null;
  }

  word<T extends string>(key: string, words: readonly T[], otherwise?: T): T {
    const found = this.found(key, otherwise);
    const known = words.find((word) => word === found);
    if (known === undefined) throw this.wrong(key, `none of ${words.join(", ")}`);
    return known;
  }

  digest(key: string): string {
    const found = this.text(key);
    if (!DIGEST.test(found)) throw this.wrong(key, "no digest");
    return found;
  }

  /** An object that may be left out and then is empty: every key at its default. */
  part(key: string): Part {
    return this.of(key, this.found(key, new Map()));
  }

  /** The entries of a map of names, in the order of the names. */
  named(key: string, isRequired = false): [string, Part][] {
    return this.names(key, isRequired).map(([name, found]) => [name, this.of(`${key}.${name}`, found)]);
  }

  names(key: string, isRequired = false): [string, Json][] {
    const found = this.found(key, isRequired ? undefined : new Map());
    if (!(found instanceof Map)) throw this.wrong(key, "no object");
    const entries = [...found];
    if (!entries.every(([name]) => NAME.test(name))) throw this.wrong(key, "not only names");
    return entries.sort(([a], [b]) => byCodePoint(a, b));
  }

  each(key: string): Part[] {
    return this.list(key, []).map((found, index) => this.of(`${key}[${index}]`, found));
  }

  nameList(key: string): string[] {
    return this.list(key).map((name) => {
      if (typeof name !== "string" || !NAME.test(name)) throw this.wrong(key, "not only names");
      return name;
    });
  }

  time(key: string): bigint {
    const found = stampMs(this.text(key));
    if (found === null) throw this.wrong(key, "no RFC 3339 time in UTC");
    return found;
  }

  private list(key: string, otherwise?: Json[]): Json[] {
    const found = this.found(key, otherwise);
    if (!Array.isArray(found)) throw this.wrong(key, "no list");
    return found;
  }

  private found(key: string, otherwise: Json | undefined): Json | undefined {
    return this.held.has(key) ? this.held.get(key) : otherwise;
  }

  private of(key: string, found: Json | undefined): Part {
    if (!(found instanceof Map)) throw this.wrong(key, "no object");
    return new Part(this.at === "" ? key : `${this.at}.${key}`, found);
  }

  private wrong(key: string, told: string): Unusable {
    return new Unusable("shape", `${this.at === "" ? key : `${this.at}.${key}`}: ${told}`);
  }
}
