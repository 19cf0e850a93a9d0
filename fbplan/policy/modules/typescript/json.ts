// Reading and writing JSON that is equal to the byte in every language: whole numbers only, each key once.
// JSON.parse keeps neither large integers nor the difference between 7 and 7.0, and takes a key that stands twice.
import * as crypto from "node:crypto";

type Json = null | boolean | bigint | string | Json[] | JsonObject;
type JsonObject = Map<string, Json>;

/** The largest integer that every JSON reader keeps exactly. */
const MAX_INTEGER = 9_007_199_254_740_991n;
const MOST_DIGITS = 4_300;
const MOST_DEPTH = 900;
const LONE_SURROGATE = /\p{Surrogate}/u;
const NUMBER = /-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const CONSTANT = /NaN|-?Infinity/y;
const ESCAPES: Record<string, string> = {
  '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t",
};

/** One value and nothing else. Throws Unusable: torn when it is no JSON, shape when it is JSON that the files do not use. */
function parseJson(text: string): Json {
  const reader = new JsonReader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

class JsonReader {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  value(depth: number): Json {
    if (depth > MOST_DEPTH) throw torn();
    switch (this.next()) {
      case "{":
        return this.object(depth);
      case "[":
        return this.list(depth);
      case '"':
        this.at += 1;
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      default:
        return this.number();
    }
  }

  end(): void {
    if (this.next() !== "") throw torn();
  }

  /** The next character that is no white space, "" at the end; it is not consumed. */
  private next(): string {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
    return this.text[this.at] ?? "";
  }

  private takes(wanted: string): boolean {
    if (this.next() !== wanted) return false;
    this.at += 1;
    return true;
  }

  private word<T extends Json>(written: string, value: T): T {
    if (!this.text.startsWith(written, this.at)) throw torn();
    this.at += written.length;
    return value;
  }

  private number(): bigint {
    CONSTANT.lastIndex = NUMBER.lastIndex = this.at;
    if (CONSTANT.test(this.text)) throw new Unusable("shape", "it holds a number that is no integer");
    const found = NUMBER.exec(this.text);
    if (found === null) throw torn();
    if (found[1] !== "") throw new Unusable("shape", "it holds a number that is no integer");
    if (found[0].replace("-", "").length > MOST_DIGITS) throw torn();
    this.at += found[0].length;
    return BigInt(found[0]);
  }

  private string(): string {
    let made = "";
    for (;;) {
      PLAIN.lastIndex = this.at;
      const plain = PLAIN.exec(this.text)?.[0] ?? "";
      made += plain;
      this.at += plain.length;
      const mark = this.text[this.at];
      this.at += 1;
      if (mark === '"') return made;
      if (mark !== "\\") throw torn();
      made += this.escape();
    }
  }

  private escape(): string {
    const kind = this.text[this.at] ?? "";
    this.at += 1;
    if (kind !== "u") {
      const found = ESCAPES[kind];
      if (found === undefined) throw torn();
      return found;
    }
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw torn();
    this.at += 4;
    return String.fromCharCode(parseInt(digits, 16));
  }

  private list(depth: number): Json[] {
    const made: Json[] = [];
    this.at += 1;
    if (this.takes("]")) return made;
    for (;;) {
      made.push(this.value(depth + 1));
      if (this.takes("]")) return made;
      if (!this.takes(",")) throw torn();
    }
  }

  private object(depth: number): JsonObject {
    const made: JsonObject = new Map();
    let pairs = 0;
    this.at += 1;
    if (this.takes("}")) return made;
    for (;;) {
      if (!this.takes('"')) throw torn();
      const key = this.string();
      if (!this.takes(":")) throw torn();
      made.set(key, this.value(depth + 1));
      pairs += 1;
      if (this.takes("}")) break;
      if (!this.takes(",")) throw torn();
    }
    // other languages might keep the other one
    if (made.size !== pairs) throw new Unusable("shape", "a key stands twice in one object");
    return made;
  }
}

function torn(): Unusable {
  return new Unusable("torn", "it is not one whole JSON document");
}

/** JSON with keys sorted by code point, no spaces. Throws RangeError for text that is no text, and for fractions. */
function canonical(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "string") {
    if (LONE_SURROGATE.test(value)) throw new RangeError("half of a surrogate pair");
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no integer`);
    return String(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const pairs = value instanceof Map ? [...(value as JsonObject)] : Object.entries(value as object);
  pairs.sort(([a], [b]) => byCodePoint(a, b));
  return `{${pairs.map(([key, part]) => `${canonical(key)}:${canonical(part)}`).join(",")}}`;
}

/** The order of UTF-8 and of code points; that of JavaScript puts U+1F600 before U+FFFD. */
function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  const isSurrogate = unit >= 0xd800 && unit <= 0xdfff;
  return isSurrogate ? unit + 0x10000 : unit;
}

/** sha256 of the canonical form of everything but `digest` itself, as the files write it. */
function digestOf(document: JsonObject): string {
  const body = new Map(document);
  body.delete("digest");
  return "sha256:" + crypto.createHash("sha256").update(canonical(body), "utf8").digest("hex");
}
