// What is to be written, in a form that can be sent again, or that says that it cannot.

/** Bytes, text (UTF-8), a stream, or a function that opens the same stream at each call. */
export type Content = string | Uint8Array | AsyncIterable<Uint8Array> | (() => AsyncIterable<Uint8Array>);

interface Body {
  readonly size: number;
  readonly isRepeatable: boolean;
  /** Null: it is not known before the body is sent. */
  readonly sha256: string | null;
  /** Of bytes in memory, for stores that name no other checksum; null for a stream. */
  md5(): string | null;
  /** The content at its beginning. */
  open(): Bytes;
}

/**
 * A stream that can be opened once is held in memory up to `spoolLimit` bytes; a longer one is sent at most once, and
 * its `size` must be given, because bytes are counted before they are sent. Rejects with RangeError.
 */
async function bodyOf(content: Content, size: number | null, spoolLimit: number): Promise<Body> {
  if (typeof content === "string") return heldBody(new TextEncoder().encode(content), size);
  if (content instanceof Uint8Array) return heldBody(content, size);
  if (typeof content === "function") return openedBody(content, size);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const rest = content[Symbol.asyncIterator]();
  while (length <= spoolLimit) {
    const next = await rest.next();
    if (next.done === true) return heldBody(Buffer.concat(chunks), size);
    chunks.push(asBytes(next.value));
    length += next.value.length;
  }
  if (size === null) throw new RangeError(`a stream of more than ${spoolLimit} bytes that opens once needs its size`);
  return { size, isRepeatable: false, sha256: null, md5: () => null, open: () => chained(chunks, rest) };
}

function heldBody(bytes: Uint8Array, size: number | null): Body {
  const hashed = (name: string): string => crypto.createHash(name).update(bytes).digest("hex");
  const sized = { size: agreed(bytes.length, size), isRepeatable: true };
  return { ...sized, sha256: hashed("sha256"), md5: () => hashed("md5"), open: () => bytes };
}

async function openedBody(opened: () => AsyncIterable<Uint8Array>, size: number | null): Promise<Body> {
  const hashed = crypto.createHash("sha256");
  let length = 0;
  for await (const chunk of opened()) {
    hashed.update(asBytes(chunk));
    length += chunk.length;
  }
  return { size: agreed(length, size), isRepeatable: true, sha256: hashed.digest("hex"), md5: () => null, open: opened };
}

async function* chained(begun: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* begun;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield asBytes(next.value);
}

function asBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError("the body is a stream of text; open it without an encoding");
}

function agreed(length: number, size: number | null): number {
  if (size !== null && size !== length) throw new RangeError(`the size is given as ${size}, but the body has ${length} bytes`);
  return length;
}
