// A service in Node that writes through the module of `fbplan policy module` and the real SDK.
// Commands come as JSON lines on stdin, each is answered with one on stdout.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { Router, s3Transport, WriteFailed } = await import(pathToFileURL(process.env.FBPLAN_MODULE).href);
const { S3Client } = await import(pathToFileURL(process.env.AWS_SDK).href);
let secret = JSON.parse(process.env.KEY);
const credentials = () => ({ accessKeyId: secret.key, secretAccessKey: secret.secret });
const alarms = [];
const settings = { alarm: (name) => alarms.push(name), sleep: async () => {} };
const router = Router.fromFile(process.env.POLICY, s3Transport({ credentials }), settings);

const commands = {
  put: async ({ key, text, ...options }) => {
    const placed = await router.put(key, text, options);
    return { bucket: placed.bucket, reference: String(placed.reference), tries: placed.record.attempts.map((a) => [a.bucket, a.status, a.code, a.then]) };
  },
  stream: async ({ key, size }) => {
    const parts = async function* () {
      for (let left = size; left > 0; left -= 65536) yield Buffer.alloc(Math.min(left, 65536), "s");
    };
    return { bucket: (await router.put(key, parts())).bucket };
  },
  get: async ({ where }) => (await router.get(where)).content.transformToString(),
  locate: async ({ where }) => (await router.locate(where)).place.bucket,
  delete: async ({ where }) => router.delete(where),
  list: async () => (await router.list()).entries.map(({ bucket, entry }) => [bucket, entry.key]),
  key: async ({ key }) => void (secret = key),
  alarms: async () => alarms,
  retrying: async () => {
    const client = new S3Client({ region: "us-east-1", endpoint: "http://127.0.0.1:9", credentials: credentials() });
    return Router.fromFile(process.env.POLICY, s3Transport({ client })).put("k", "x");
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...given } = JSON.parse(line);
  try {
    console.log(JSON.stringify((await commands[command](given)) ?? null));
  } catch (fault) {
    const told = fault instanceof WriteFailed ? { retry_at: fault.retryAt ?? null, rule: fault.record.rule } : {};
    console.log(JSON.stringify({ fault: fault.constructor.name, told: fault.message, ...told }));
  }
}
