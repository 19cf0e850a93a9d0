// What the tests of the Node router stand on: files in a folder, a clock, and buckets in memory.
import { createHash } from "node:crypto";
import { mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const fbplan = await import(pathToFileURL(process.env.FBPLAN_MODULE).href);
const { Router, TransportFailure } = fbplan;
const { canonical } = fbplan.internals();
export const T0 = 1_795_000_000_000;
const ZERO = "sha256:" + "0".repeat(64);

export function sealed(document) {
  const digest = createHash("sha256").update(canonical(document)).digest("hex");
  return { ...document, digest: `sha256:${digest}` };
}

/** Buckets a, b, c without caps unless told otherwise, one repository `app`. */
export function policy(changes = {}, generation = 7, meters = {}) {
  const bucket = (name) => ({
    bucket_id: name, container: `c-${name}`, storage_type: "S3", folders: { app: name }, meters: meters[name] ?? [],
  });
  const repository = { repo_id: "r", protocol: "S3", order: ["a", "b", "c"], ...changes };
  return sealed({
    format: "fbplan.routing/1", min_reader: 1, generation, spec_digest: ZERO, content_digest: ZERO,
    repositories: { app: repository }, buckets: { a: bucket("a"), b: bucket("b"), c: bucket("c") },
  });
}

export class World {
  folder = mkdtempSync(join(tmpdir(), "fbplan-"));
  policy = join(this.folder, "routing-policy.json");
  now = T0;
  slept = [];
  alarms = [];
  store = new MemoryStore();

  constructor(document = policy()) {
    this.write(this.policy, document);
  }

  /** As the publisher does: a temporary file, renamed. */
  write(path, content) {
    writeFileSync(`${path}.new`, typeof content === "string" ? content : JSON.stringify(content));
    renameSync(`${path}.new`, path);
  }

  router(settings = {}) {
    return Router.fromFile(this.policy, this.store, {
      writer: "w1",
      clockMs: () => this.now,
      sleep: async (ms) => void (this.slept.push(ms), (this.now += ms)),
      dice: () => 7,
      alarm: (name) => this.alarms.push(name),
      ...settings,
    });
  }
}

/** `fail` scripts failures by "METHOD BUCKET", one after another; one with `isStored` is thrown after the put took effect. */
export class MemoryStore {
  buckets = new Map();
  faults = new Map();
  calls = [];
  reloads = 0;

  fail(call, status, code = "", details = {}) {
    const fault = Object.assign(new TransportFailure(status, code, details), { isStored: details.isStored ?? false });
    this.faults.set(call, [...(this.faults.get(call) ?? []), fault]);
  }

  #called(method, place) {
    this.calls.push(`${method} ${place.address}`);
    return this.faults.get(`${method} ${place.bucket}`)?.shift();
  }

  #held(place) {
    if (!this.buckets.has(place.bucket)) this.buckets.set(place.bucket, new Map());
    return this.buckets.get(place.bucket);
  }

  async put(place, key, body, { size, metadata, writeOnce, options }) {
    const fault = this.#called("put", place);
    if (fault && !fault.isStored) {
      if (fault.wasSent && !(body instanceof Uint8Array)) await body[Symbol.asyncIterator]().next();
      throw fault;
    }
    const chunks = [];
    for await (const chunk of body instanceof Uint8Array ? [body] : body) chunks.push(chunk);
    const content = Buffer.concat(chunks);
    if (content.length !== size) throw new Error(`${content.length} bytes came, ${size} were told`);
    if (writeOnce && this.#held(place).has(key)) throw new TransportFailure(412, "PreconditionFailed");
    this.#held(place).set(key, { content, metadata });
    if (fault) throw fault;
    return { etag: `"${createHash("md5").update(content).digest("hex")}"`, answer: options };
  }

  async head(place, key) {
    const fault = this.#called("head", place);
    if (fault) throw fault;
    const found = this.#held(place).get(key);
    return found ? { size: found.content.length, etag: null, metadata: found.metadata } : null;
  }

  async get(place, key) {
    const fault = this.#called("get", place);
    if (fault) throw fault;
    const found = this.#held(place).get(key);
    if (!found) throw new TransportFailure(404, "NoSuchKey");
    return { head: { size: found.content.length, etag: null, metadata: found.metadata }, content: found.content };
  }

  async delete(place, key) {
    const fault = this.#called("delete", place);
    if (fault) throw fault;
    this.#held(place).delete(key);
  }

  async list(place, prefix) {
    const fault = this.#called("list", place);
    if (fault) throw fault;
    return [...this.#held(place)].filter(([key]) => key.startsWith(prefix)).map(([key, { content }]) => ({ key, size: content.length, etag: null }));
  }

  async reload() {
    this.reloads += 1;
  }
}
