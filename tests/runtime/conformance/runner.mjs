// The conformance runner for Node: `node runner.mjs MODULE.js`, a question a line on stdin (schemas/vectors/README.md).
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { internals, why, Reference, RULES, NotAReference } = await import(pathToFileURL(process.argv[2]).href);
const {
  begin, canonical, classify, emptyState, grantOf, isEnd, nextPolicy, nextUsage, proceed, readPolicy, readUsage, rounds,
  settled, stampMs, stampOf, told, turn, View, writeRecord, Unusable,
} = internals();

const big = (value) => (value === null || value === undefined ? null : BigInt(value));
const plain = (value) => (value === null ? null : Number(value));
const raw = (file) => Buffer.from(typeof file === "string" ? file : JSON.stringify(file), "utf8");
const sorted = (names) => names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

function writes(vector) {
  const policy = readPolicy(raw(vector.policy));
  const repository = policy.repositories.get(vector.repository);
  const usages = new Map(sorted(Object.keys(vector.usages)).map((name) => [name, readUsage(raw(vector.usages[name]))]));
  if (repository === undefined) return { error: "repository" };
  const who = {
    writer: vector.writer, simple: vector.simple, expectsUsage: vector.expects_usage, bornMs: big(vector.born_ms),
    off: new Set(vector.off ?? []),
  };
  let state = emptyState();
  return vector.steps.map((step) => {
    const usage = step.usage === null ? null : usages.get(step.usage);
    const view = new View(policy, repository, usage, big(vector.confirmed_ms), who);
    const [after, flight] = write(view, state, step);
    state = after;
    const record = writeRecord(flight);
    return vector.answer === "words" ? why(record) : record;
  });
}

function write(view, before, step) {
  const { size, is_repeatable: isRepeatable, only } = step.write;
  const script = [...step.script];
  let now = BigInt(step.at_ms);
  let [state, flight] = begin(view, before, now, { size: BigInt(size), isRepeatable, only });
  // a rule that is left out may leave a write without an end
  for (let actions = 0; actions < 100 && !isEnd(flight.action.does); actions += 1) {
    switch (flight.action.does) {
      case "try": {
        const line = script.shift() ?? { ms: 10, status: 200 };
        now += BigInt(line.ms);
        [state, flight] = told(state, flight, now, {
          status: line.status ?? 0,
          code: line.code ?? "",
          retryAfterMs: big(line.retry_after_ms),
          wasSent: line.was_sent ?? true,
          dice: BigInt(line.dice ?? 0),
        });
        break;
      }
      case "head": {
        const line = script.shift() ?? { ms: 10, found: "absent" };
        now += BigInt(line.ms);
        [state, flight] = settled(state, flight, now, line.found ?? "unknown");
        break;
      }
      default:
        now += flight.action.ms;
        [state, flight] = proceed(state, flight, now);
    }
  }
  return [state, flight];
}

function reference({ text }) {
  try {
    const found = Reference.parse(text);
    return { repository: found.repository, bucket: found.bucket, key: found.key, etag: found.etag, text: String(found) };
  } catch (fault) {
    if (fault instanceof NotAReference) return null;
    throw fault;
  }
}

function time({ text }) {
  const ms = stampMs(text);
  return ms === null ? null : { ms: plain(ms), written: stampOf(ms) };
}

function grants(line, index) {
  const terms = {
    pollMs: big(line.poll_ms), lagMs: big(line.lag_ms), ttlMs: big(line.ttl_ms), skewMs: big(line.skew_ms),
    uploadMs: big(line.upload_ms),
  };
  const earlier = line.earlier.map((g) => ({ tier: g.tier, bytes: big(g.bytes), expiresMs: big(g.expires_ms) }));
  const [used, now, asOf] = [big(line.used), big(line.now_ms), big(line.as_of_ms)];
  const made = ["soft", "hard"].map((tier) => grantOf(tier, big(line[tier]), used, earlier, now, asOf, terms));
  const told = made.map((g) => ({ id: `${index}.${g.tier}`, tier: g.tier, bytes: g.bytes, expires_ms: g.expiresMs }));
  return { rounds: rounds(terms), grants: told };
}

function files(lines) {
  const held = { policy: null, usage: null };
  return lines.map(({ file, text }) => {
    try {
      held[file] = file === "policy" ? nextPolicy(held.policy, raw(text)) : nextUsage(held.usage, held.policy, raw(text));
      return null;
    } catch (fault) {
      if (fault instanceof Unusable) return fault.reason;
      throw fault;
    }
  });
}

const KINDS = {
  writes,
  classes: ({ lines }) => lines.map(({ status, code }) => classify(status, code)),
  turns: ({ lines }) => lines.map(({ writer, bucket, seq }) => turn(writer, bucket, BigInt(seq))),
  references: ({ lines }) => lines.map(reference),
  times: ({ lines }) => lines.map(time),
  grants: ({ lines }) => lines.map(grants),
  files: ({ lines }) => files(lines),
  rules: () => Object.keys(RULES).sort(),
};

function answer(line) {
  try {
    const question = JSON.parse(line);
    return Object.hasOwn(KINDS, question.kind) ? KINDS[question.kind](question) : { error: "kind" };
  } catch (fault) {
    return { error: fault instanceof Unusable ? fault.reason : `fault: ${fault}` };
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  process.stdout.write(`${canonical(answer(line))}\n`);
}
