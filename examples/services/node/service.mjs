// A service that keeps notes: PUT /NAME stores one and answers with its reference, GET /REFERENCE reads it.
//
// node node/service.mjs PORT, in the folder of routing-policy.json
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { parseEnv } from "node:util";
import { AlreadyExists, NotAReference, NotFound, ReadOnly, Router, RoutingError, s3Transport, why } from "./fbplan.mjs";

// Asked at the start, and again when the key is refused: so a rotation is followed.
function credentials() {
  const key = parseEnv(readFileSync("secrets/notes-writer.env", "utf8"));
  return { accessKeyId: key.FB_KEY_ID, secretAccessKey: key.FB_KEY_SECRET };
}

// Tells on stderr when writes go to another bucket, and why.
let bucket = null;
function onRecord(record) {
  if (record.outcome !== "stored") return;
  if (bucket !== null && bucket !== record.bucket) {
    process.stderr.write(`moved from ${bucket} to ${record.bucket}:\n${why(record)}`);
  }
  bucket = record.bucket;
}

const router = Router.fromFile("routing-policy.json", s3Transport({ credentials }), { onRecord });

// A reference consists of what a path may hold, so paths are taken as they come.
async function answer(request) {
  const path = request.url.slice(1);
  if (path === "") return [400, "which note?\n"];
  switch (request.method) {
    case "PUT":
      return [201, `${(await router.put(path, await buffer(request))).reference}\n`];
    case "GET":
      return [200, await buffer((await router.get(path)).content)];
    default:
      return [405, "PUT or GET\n"];
  }
}

function statusOf(fault) {
  if (fault instanceof ReadOnly) return 503;
  if (fault instanceof AlreadyExists) return 409;
  if (fault instanceof NotFound) return 404;
  if (fault instanceof NotAReference) return 400;
  return fault instanceof RoutingError ? 502 : 500;
}

const server = createServer(async (request, response) => {
  try {
    const [status, text] = await answer(request);
    response.writeHead(status).end(text);
  } catch (fault) {
    const again = fault instanceof ReadOnly && fault.retryAtMs !== null;
    const headers = again ? { "Retry-After": new Date(fault.retryAtMs).toUTCString() } : {};
    response.writeHead(statusOf(fault), headers).end(`${fault.message}\n`);
  }
});

const port = Number(process.argv[2]);
server.listen(port, "127.0.0.1", () => console.log(`notes on http://127.0.0.1:${port}`));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => server.close());
