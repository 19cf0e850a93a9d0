// The adapter for aws-sdk-js v3 (@aws-sdk/client-s3), which is loaded when it is first needed.
import * as stream from "node:stream";

/** What is used of an `S3Client`. */
export interface S3ClientLike {
  send(command: never, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>;
  readonly config: { readonly maxAttempts: () => Promise<number> };
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Which key of the policy: `read` only where the policy names a key for it. */
export type KeyUse = "write" | "read";

export interface S3Settings {
  /** A client made with `maxAttempts: 1`; without it clients are made from `credentials`. */
  readonly client?: S3ClientLike;
  /** Asked when a client is made: at the first request, for a new key id, and after the store refused the key. */
  readonly credentials?: (place: Place, use: KeyUse) => S3Credentials | Promise<S3Credentials>;
  /** For a policy that names none. */
  readonly endpoint?: string;
  readonly region?: string;
}

/** Names by which no connection was made, so that no byte was sent. */
const UNSENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

const ABORTED = new Set(["AbortError", "TimeoutError"]);

export function s3Transport(settings: S3Settings): Transport {
  return new S3Transport(settings);
}

class S3Transport implements Transport {
  private readonly settings: S3Settings;
  private readonly clients = new Map<string, Promise<S3ClientLike>>();
  private sdk: Promise<any> | null = null; // its types are the user's, and not there when this file is compiled

  constructor(settings: S3Settings) {
    if (settings.client === undefined && settings.credentials === undefined) {
      throw new RangeError("s3Transport needs a client or credentials");
    }
    this.settings = settings;
  }

  async put(place: Place, key: string, body: Bytes, settings: PutSettings): Promise<Stored> {
    const answer = await this.send(place, "PutObjectCommand", settings.timeoutMs, "write", {
      ...settings.options,
      Bucket: place.address,
      Key: key,
      Body: body instanceof Uint8Array ? body : stream.Readable.from(body, { objectMode: false }),
      ContentLength: settings.size,
      Metadata: { ...(settings.options["Metadata"] as object | undefined), ...settings.metadata },
      ...(settings.writeOnce ? { IfNoneMatch: "*" } : {}),
    });
    return { etag: answer.ETag ?? null, answer };
  }

  async head(place: Place, key: string, settings: CallSettings): Promise<Head | null> {
    const input = { Bucket: place.address, Key: key };
    const answer = await came(this.send(place, "HeadObjectCommand", settings.timeoutMs, "write", input));
    if ("value" in answer) return headIn(answer.value);
    if (isAbsent(answer.failure)) return null;
    throw answer.failure;
  }

  async get(place: Place, key: string, settings: CallSettings): Promise<Got> {
    const answer = await this.send(place, "GetObjectCommand", settings.timeoutMs, place.readKeyId === null ? "write" : "read", {
      Bucket: place.address,
      Key: key,
    });
    return { head: headIn(answer), content: answer.Body };
  }

  async delete(place: Place, key: string, settings: CallSettings): Promise<void> {
    await this.send(place, "DeleteObjectCommand", settings.timeoutMs, "write", { Bucket: place.address, Key: key });
  }

  async list(place: Place, prefix: string, settings: CallSettings): Promise<readonly Entry[]> {
    const found: Entry[] = [];
    let token: string | undefined;
    do {
      const answer = await this.send(place, "ListObjectsV2Command", settings.timeoutMs, place.readKeyId === null ? "write" : "read", {
        Bucket: place.address,
        Prefix: prefix,
        ContinuationToken: token,
      });
      for (const entry of answer.Contents ?? []) {
        found.push({ key: entry.Key, size: entry.Size ?? 0, etag: entry.ETag ?? null });
      }
      token = answer.NextContinuationToken;
    } while (token !== undefined);
    return found;
  }

  async reload(): Promise<void> {
    this.clients.clear();
  }

  private async send(place: Place, command: string, timeoutMs: number, use: KeyUse, input: object): Promise<any> {
    const [sdk, client] = [await this.package(), await this.client(place, use)];
    try {
      return await client.send(new sdk[command](input) as never, { abortSignal: AbortSignal.timeout(timeoutMs) });
    } catch (fault) {
      throw failureIn(fault);
    }
  }

  private package(): Promise<any> {
    const name: string = "@aws-sdk/client-s3";
    this.sdk ??= import(name);
    return this.sdk;
  }

  private client(place: Place, use: KeyUse): Promise<S3ClientLike> {
    const keyId = use === "read" ? place.readKeyId : place.writeKeyId;
    const name = JSON.stringify([place.endpoint, place.protocol, keyId]);
    const known = this.clients.get(name);
    if (known !== undefined) return known;
    const made = this.settings.client === undefined ? this.newClient(place, use) : checked(this.settings.client);
    this.clients.set(name, made);
    made.catch(() => this.clients.delete(name)); // whoever asked is told; the next one may have more luck
    return made;
  }

  private async newClient(place: Place, use: KeyUse): Promise<S3ClientLike> {
    const sdk = await this.package();
    return new sdk.S3Client({
      credentials: await this.settings.credentials?.(place, use),
      endpoint: place.endpoint ?? this.settings.endpoint,
      region: this.settings.region ?? "us-east-1",
      forcePathStyle: true,
      maxAttempts: 1,
    });
  }
}

/** A client whose own retries would hide from the chooser what happens. */
async function checked(client: S3ClientLike): Promise<S3ClientLike> {
  if ((await client.config.maxAttempts()) === 1) return client;
  throw new RoutingError("the S3 client retries by itself; make it with maxAttempts: 1");
}

function headIn(answer: any): Head {
  const metadata = Object.entries<string>(answer.Metadata ?? {}).map(([key, value]) => [key.toLowerCase(), value]);
  return { size: answer.ContentLength ?? 0, etag: answer.ETag ?? null, metadata: Object.fromEntries(metadata) };
}

/** An error of the SDK by status and code; the status stands in `$metadata`, never in the text. */
function failureIn(fault: any): unknown {
  const status: number = fault?.$metadata?.httpStatusCode ?? fault?.$response?.statusCode ?? 0;
  const isNoAnswer = typeof fault?.code === "string" || ABORTED.has(fault?.name);
  if (status === 0 && !isNoAnswer) return fault; // a fault of the call, not of the store
  const code = String(fault.Code ?? fault.code ?? fault.name ?? "");
  const retryAfterMs = retryAfterIn(fault.$response?.headers?.["retry-after"]);
  return new TransportFailure(status, code, { retryAfterMs, wasSent: !(status === 0 && UNSENT.has(code)), cause: fault });
}

/** Milliseconds of a Retry-After in seconds; a date would be by the server's clock. */
function retryAfterIn(header: unknown): number | null {
  return typeof header === "string" && /^[0-9]{1,9}$/.test(header) ? Number(header) * 1000 : null;
}
