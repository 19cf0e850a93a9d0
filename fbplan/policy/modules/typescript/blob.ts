// The adapter for @azure/storage-blob. The client is the user's; a place is a container of its account.

/** What is used of a `BlobServiceClient`. */
export interface BlobServiceLike {
  getContainerClient(name: string): unknown;
}

export interface BlobSettings {
  /** Made with `retryOptions: { maxTries: 1 }`. Asked at the first request, for a new key id, and after a refused key. */
  readonly connect: (place: Place, use: KeyUse) => BlobServiceLike | Promise<BlobServiceLike>;
}

export function blobTransport(settings: BlobSettings): Transport {
  return new BlobTransport(settings);
}

class BlobTransport implements Transport {
  private readonly clients: Clients<any>;

  constructor(settings: BlobSettings) {
    this.clients = new Clients(async (place, use) => oneTry(await settings.connect(place, use)));
  }

  async put(place: Place, key: string, body: Bytes, settings: PutSettings): Promise<Stored> {
    const { options, size, writeOnce, timeoutMs } = settings;
    const metadata = { ...(options["metadata"] as object | undefined), ...settings.metadata };
    const conditions = { ...(options["conditions"] as object | undefined), ...(writeOnce ? { ifNoneMatch: "*" } : {}) };
    const content = body instanceof Uint8Array ? body : () => asStream(body);
    const answer = await this.ask(place, "write", timeoutMs, (container, abortSignal) =>
      container.getBlockBlobClient(key).upload(content, size, { ...options, metadata, conditions, abortSignal }),
    );
    return { etag: answer.etag ?? null, answer };
  }

  async head(place: Place, key: string, { timeoutMs }: CallSettings): Promise<Head | null> {
    const answer = await came(
      this.ask(place, "write", timeoutMs, (container, abortSignal) => container.getBlobClient(key).getProperties({ abortSignal })),
    );
    if ("value" in answer) return blobHead(answer.value);
    if (isAbsent(answer.failure)) return null;
    throw answer.failure;
  }

  async get(place: Place, key: string, { timeoutMs }: CallSettings): Promise<Got> {
    const answer = await this.ask(place, readUse(place), timeoutMs, (container, abortSignal) =>
      container.getBlobClient(key).download(undefined, undefined, { abortSignal }),
    );
    return { head: blobHead(answer), content: answer.readableStreamBody };
  }

  async delete(place: Place, key: string, { timeoutMs }: CallSettings): Promise<void> {
    await this.ask(place, "write", timeoutMs, (container, abortSignal) => container.getBlobClient(key).deleteIfExists({ abortSignal }));
  }

  async list(place: Place, prefix: string, { timeoutMs }: CallSettings): Promise<readonly Entry[]> {
    return this.ask(place, readUse(place), timeoutMs, async (container, abortSignal) => {
      const found: Entry[] = [];
      for await (const { name, properties } of container.listBlobsFlat({ prefix, abortSignal })) {
        found.push({ key: name, size: properties.contentLength ?? 0, etag: properties.etag ?? null });
      }
      return found;
    });
  }

  async reload(): Promise<void> {
    this.clients.clear();
  }

  private async ask<T = any>(
    place: Place, use: KeyUse, timeoutMs: number, call: (container: any, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const client = await this.clients.of(place, use);
    try {
      return await call(client.getContainerClient(place.address), AbortSignal.timeout(timeoutMs));
    } catch (fault) {
      throw blobFailure(fault);
    }
  }
}

/** A client whose own retries would hide from the chooser what happens is refused. */
function oneTry(client: any): any {
  if (client.pipeline?.options?.retryOptions?.maxTries === 1) return client;
  throw new RoutingError("the blob client retries by itself; make it with retryOptions: { maxTries: 1 }");
}

function blobHead(answer: any): Head {
  return { size: answer.contentLength ?? 0, etag: answer.etag ?? null, metadata: metadataIn(answer.metadata) };
}

function blobFailure(fault: any): unknown {
  const status: number = fault?.statusCode ?? 0;
  if (status === 0) return unanswered(fault);
  const retryAfterMs = retryAfterIn(fault.response?.headers?.get?.("retry-after"));
  return new TransportFailure(status, String(fault.details?.errorCode ?? fault.code ?? ""), { retryAfterMs, cause: fault });
}
