// The adapters for Azure and Google over the real SDKs. Prints one JSON object of what it saw.
import { createRequire } from "node:module";
import { World, fbplan, policy } from "./router_world.mjs";

const { Router, blobTransport, gcsTransport } = fbplan;
const require = createRequire(process.env.FBPLAN_MODULE);
const { KIND, STORE_URL, DEAD_URL, ACCOUNT, ACCOUNT_KEY } = process.env;

const KINDS = {
  blob: () => {
    const { BlobServiceClient, StorageSharedKeyCredential } = require("@azure/storage-blob");
    const connect = (url, maxTries = 1) =>
      new BlobServiceClient(url, new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY), { retryOptions: { maxTries } });
    return {
      transport: (url, retries) => blobTransport({ connect: () => connect(url, retries ? 3 : 1) }),
      make: async (name) => void (await connect(STORE_URL).createContainer(name)),
    };
  },
  gcs: () => {
    const { Storage } = require("@google-cloud/storage");
    const connect = (apiEndpoint, autoRetry = false) => new Storage({ apiEndpoint, projectId: "p", retryOptions: { autoRetry } });
    return {
      transport: (url, retries) => gcsTransport({ connect: () => connect(url, retries) }),
      make: async (name) => void (await connect(STORE_URL).createBucket(name)),
    };
  },
};

const { transport, make } = KINDS[KIND]();
const order = ["a", "b"];
const world = new World(policy({ order, address: "container", protocol: KIND === "gcs" ? "GCS" : "BLOB" }));
for (const name of order) await make(`c-${name}`);
const router = (url = STORE_URL, retries = false) => Router.fromFile(world.policy, transport(url, retries), { sleep: async () => {} });
const app = router();
const content = async ({ content: found }) => {
  const chunks = [];
  for await (const chunk of Buffer.isBuffer(found) ? [found] : found) chunks.push(chunk);
  return Buffer.concat(chunks);
};
const failure = (call) => call.then(() => null, (fault) => [fault.constructor.name, ...(fault.record?.attempts ?? []).map((a) => [a.status, a.code])]);
async function* stream() {
  for (let n = 0; n < 4; n += 1) yield Buffer.alloc(65_536, "s");
}

const seen = {};
const placed = await app.put("k ü/1", "one");
seen.put = [placed.bucket, placed.reference.etag !== null];
seen.get = String(await content(await app.get(String(placed.reference))));
const { head } = await app.locate("k ü/1");
seen.head = [head.size, Object.keys(head.metadata).sort()];
seen.stream = [(await app.put("stream", stream(), { size: 4 * 65_536 })).record.outcome, (await content(await app.get("stream"))).length];
seen.once = await failure(app.put("k ü/1", "two"));
await app.put("k ü/1", "two", { overwrite: true });
seen.overwritten = String(await content(await app.get("k ü/1")));
seen.list = (await app.list("k")).entries.map(({ bucket, entry }) => [bucket, entry.key, entry.size]);
seen.deleted = await app.delete("k ü/1");
seen.missing = await failure(app.get("k ü/1"));
seen.dead = await failure(router(DEAD_URL).put("k", "x"));
seen.retries = await failure(router(STORE_URL, true).put("k", "x"));
world.write(world.policy, policy({ order: ["c"], address: "container" }, 8));
app.refresh(true);
seen.nowhere = await failure(app.put("k", "x"));
console.log(JSON.stringify(seen));
