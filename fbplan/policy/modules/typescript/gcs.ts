// The adapter for @google-cloud/storage. The client is the user's.

/** What is used of a `Storage`. */
export interface GcsStorageLike {
  bucket(name: string): unknown;
}

export interface GcsSettings {
  /** Made with `retryOptions: { autoRetry: false }`. Asked at the first request, for a new key id, and after a refused key. */
  readonly connect: (place: Place, use: KeyUse) => GcsStorageLike | Promise<GcsStorageLike>;
}

export function gcsTransport(settings: GcsSettings): Transport {
  return new GcsTransport(settings);
}

class GcsTransport implements Transport {
  private readonly clients: Clients<any>;

  constructor(settings: GcsSettings) {
    this.clients = new Clients(async (place, use) => noRetry(await settings.connect(place, use)));
  }

  async put(place: Place, key: string, body: Bytes, settings: PutSettings): Promise<Stored> {
    const { options, metadata, writeOnce, timeoutMs } = settings;
    const stated = (options["metadata"] ?? {}) as { readonly metadata?: object };
    return this.ask(place, "write", timeoutMs, async (bucket) => {
      const file = bucket.file(key);
      await file.save(body instanceof Uint8Array ? body : asStream(body), {
        ...options,
        resumable: false, // one request, so that one answer says what became of it
        timeout: timeoutMs,
        metadata: { ...stated, metadata: { ...stated.metadata, ...metadata } },
        ...(writeOnce ? { preconditionOpts: { ifGenerationMatch: 0 } } : {}),
      });
      return { etag: file.metadata.etag ?? null, answer: file.metadata };
    });
  }

  async head(place: Place, key: string, { timeoutMs }: CallSettings): Promise<Head | null> {
    const answer = await came(this.ask(place, "write", timeoutMs, (bucket) => bucket.file(key).getMetadata()));
    if ("value" in answer) return gcsHead(answer.value[0]);
    if (isAbsent(answer.failure)) return null;
    throw answer.failure;
  }

  async get(place: Place, key: string, { timeoutMs }: CallSettings): Promise<Got> {
    return this.ask(place, readUse(place), timeoutMs, async (bucket) => {
      const file = bucket.file(key);
      const [content] = await file.download();
      const [found] = await file.getMetadata();
      return { head: gcsHead(found), content };
    });
  }

  async delete(place: Place, key: string, { timeoutMs }: CallSettings): Promise<void> {
    await this.ask(place, "write", timeoutMs, (bucket) => bucket.file(key).delete({ ignoreNotFound: true }));
  }

  async list(place: Place, prefix: string, { timeoutMs }: CallSettings): Promise<readonly Entry[]> {
    const [files] = await this.ask(place, readUse(place), timeoutMs, (bucket) => bucket.getFiles({ prefix }));
    return files.map((file: any) => ({ key: file.name, size: Number(file.metadata.size), etag: file.metadata.etag ?? null }));
  }

  async reload(): Promise<void> {
    this.clients.clear();
  }

  /** This SDK takes no signal: what is too late is left alone, and its answer is not known. */
  private async ask<T = any>(place: Place, use: KeyUse, timeoutMs: number, call: (bucket: any) => Promise<T>): Promise<T> {
    const client = await this.clients.of(place, use);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TransportFailure(0, "TimeoutError")), timeoutMs);
    });
    try {
      return await Promise.race([call(client.bucket(place.address)), late]);
    } catch (fault) {
      throw fault instanceof TransportFailure ? fault : gcsFailure(fault);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A client whose own retries would hide from the chooser what happens is refused. */
function noRetry(client: any): any {
  if (client.retryOptions?.autoRetry === false) return client;
  throw new RoutingError("the GCS client retries by itself; make it with retryOptions: { autoRetry: false }");
}

function gcsHead(found: any): Head {
  return { size: Number(found.size ?? 0), etag: found.etag ?? null, metadata: metadataIn(found.metadata) };
}

/** An `ApiError` has the status as its `code`, and the store's word as the reason of its first error. */
function gcsFailure(fault: any): unknown {
  if (typeof fault?.code !== "number") return unanswered(fault);
  const retryAfterMs = retryAfterIn(fault.response?.headers?.["retry-after"]);
  return new TransportFailure(fault.code, String(fault.errors?.[0]?.reason ?? ""), { retryAfterMs, cause: fault });
}
