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

export interface S3Settings {
  /** A client made with `maxAttempts: 1`; without it clients are made from `credentials`. */
  readonly client?: S3ClientLike;
  /** Asked when a client is made: at the first request, for a new key id, and after the store refused the key. */
  readonly credentials?: (place: Place, use: KeyUse) => S3Credentials | Promise<S3Credentials>;
  /** For a policy that names none. */
  readonly endpoint?: string;
  readonly region?: string;
}

export function s3Transport(settings: S3Settings): Transport {
  return new S3Transport(settings);
}

class S3Transport implements Transport {
  private readonly clients: Clients<S3ClientLike>;
  private readonly settings: S3Settings;
  private sdk: Promise<any> | null = null; // its types are the user's, and not there when this file is compiled

  constructor(settings: S3Settings) {
    const { client, credentials } = settings;
    if (client === undefined && credentials === undefined) throw new RangeError("s3Transport needs a client or credentials");
    this.settings = settings;
    this.clients = new Clients((place, use) => (client === undefined ? this.newClient(place, use) : oneAttempt(client)));
  }

  async put(place: Place, key: string, body: Bytes, settings: PutSettings): Promise<Stored> {
    const { options, metadata, size, writeOnce, timeoutMs } = settings;
    const answer = await this.send(place, "PutObjectCommand", timeoutMs, "write", {
      ...options,
      Bucket: place.address,
      Key: key,
      Body: body instanceof Uint8Array ? body : asStream(body),
      ContentLength: size,
      Metadata: { ...(options["Metadata"] as object | undefined), ...metadata },
      ...(writeOnce ? { IfNoneMatch: "*" } : {}),
    });
    return { etag: answer.ETag ?? null, answer };
  }

  async head(place: Place, key: string, { timeoutMs }: CallSettings): Promise<Head | null> {
    const input = { Bucket: place.address, Key: key };
    const answer = await came(this.send(place, "HeadObjectCommand", timeoutMs, "write", input));
    if ("value" in answer) return s3Head(answer.value);
    if (isAbsent(answer.failure)) return null;
    throw answer.failure;
  }

  async get(place: Place, key: string, { timeoutMs }: CallSettings): Promise<Got> {
    const answer = await this.send(place, "GetObjectCommand", timeoutMs, readUse(place), { Bucket: place.address, Key: key });
    return { head: s3Head(answer), content: answer.Body };
  }

  async delete(place: Place, key: string, { timeoutMs }: CallSettings): Promise<void> {
    await this.send(place, "DeleteObjectCommand", timeoutMs, "write", { Bucket: place.address, Key: key });
  }

  async list(place: Place, prefix: string, { timeoutMs }: CallSettings): Promise<readonly Entry[]> {
    const found: Entry[] = [];
    let token: string | undefined;
    do {
      const input = { Bucket: place.address, Prefix: prefix, ContinuationToken: token };
      const page = await this.send(place, "ListObjectsV2Command", timeoutMs, readUse(place), input);
      for (const { Key, Size, ETag } of page.Contents ?? []) found.push({ key: Key, size: Size ?? 0, etag: ETag ?? null });
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return found;
  }

  async reload(): Promise<void> {
    this.clients.clear();
  }

  private async send(place: Place, command: string, timeoutMs: number, use: KeyUse, input: object): Promise<any> {
    const [sdk, client] = [await this.package(), await this.clients.of(place, use)];
    try {
      return await client.send(new sdk[command](input) as never, { abortSignal: AbortSignal.timeout(timeoutMs) });
    } catch (fault) {
      throw s3Failure(fault);
    }
  }

  private package(): Promise<any> {
    const name: string = "@aws-sdk/client-s3";
    this.sdk ??= import(name);
    return this.sdk;
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

/** A client whose own retries would hide from the chooser what happens is refused. */
async function oneAttempt(client: S3ClientLike): Promise<S3ClientLike> {
  if ((await client.config.maxAttempts()) === 1) return client;
  throw new RoutingError("the S3 client retries by itself; make it with maxAttempts: 1");
}

function s3Head(answer: any): Head {
  return { size: answer.ContentLength ?? 0, etag: answer.ETag ?? null, metadata: metadataIn(answer.Metadata) };
}

/** The status of an error stands in `$metadata`, never in its text. */
function s3Failure(fault: any): unknown {
  const status: number = fault?.$metadata?.httpStatusCode ?? fault?.$response?.statusCode ?? 0;
  if (status === 0) return unanswered(fault);
  const retryAfterMs = retryAfterIn(fault.$response?.headers?.["retry-after"]);
  return new TransportFailure(status, String(fault.Code ?? fault.name ?? ""), { retryAfterMs, cause: fault });
}
