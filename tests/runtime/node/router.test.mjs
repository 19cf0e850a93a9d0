// The router for Node over buckets in memory: what goes where, what is retried, what is raised.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World, fbplan, policy } from "./router_world.mjs";

const { AlreadyExists, CredentialsRefused, NoPolicy, NotFound, NotStored, ReadOnly, Reference, Unavailable, why } = fbplan;
const cap = (limit) => [{ meter: "ingress_bytes", limit }];
const text = async (got) => Buffer.from((await got).content).toString();
async function* stream(...chunks) {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

test("a write goes to the first bucket and is found by its reference with one request", async () => {
  const world = new World();
  const router = world.router();
  const placed = await router.put("a/ü", "hi", { options: { echo: 1 } });
  assert.match(String(placed.reference), /^fbref1:app\/a\/a%2F%C3%BC;v=%22[0-9a-f]{32}%22$/);
  assert.deepEqual(placed.answer, { echo: 1 });
  assert.equal(await text(router.get(String(placed.reference))), "hi");
  assert.deepEqual(world.store.calls, ["put a", "get a"]);
  assert.match(why(placed.record), /^2 bytes of app went to a /);
});

test("without a usage file the process counts for itself: soft caps in turn, then hard ones, then read-only", async () => {
  const world = new World(policy({ order: ["a", "b"] }, 7, { a: cap(10), b: cap(10) }));
  const router = world.router();
  const went = [];
  for (let n = 0; n < 10; n += 1) went.push((await router.put(`k${n}`, "xx")).bucket);
  assert.equal(went.join(""), "aaaabbbbab");
  await assert.rejects(router.put("more", "x"), (fault) => {
    assert.ok(fault instanceof ReadOnly);
    assert.deepEqual(fault.reasons, { a: "2.closed", b: "2.closed", c: "1.role" });
    assert.equal(fault.retryAt, "2026-12-01T02:00:00Z");
    return true;
  });
  assert.deepEqual(router.counts, { "policy.taken": 1, stored: 10, "try.stored": 10, read_only: 1 });
});

test("choose neither counts nor calls", () => {
  const world = new World(policy({}, 7, { a: cap(10) }));
  const router = world.router();
  for (let n = 0; n < 3; n += 1) assert.equal(router.choose(8).bucket, "a");
  assert.equal(router.choose(11).candidates[0].rule, "1.size");
  assert.deepEqual(world.store.calls, []);
});

test("an answer that got lost is settled by a look at the same bucket", async () => {
  const world = new World();
  world.store.fail("put a", 500, "InternalError", { isStored: true });
  const placed = await world.router().put("k", "hi");
  assert.deepEqual(world.store.calls, ["put a", "head a"]);
  assert.equal(placed.record.attempts[0].settled, "equal");
});

test("a bucket that fails is tried once more, then the next one", async () => {
  const world = new World();
  for (let n = 0; n < 2; n += 1) world.store.fail("put a", 503, "", { wasSent: false });
  assert.equal((await world.router().put("k", "hi")).bucket, "b");
  assert.deepEqual(world.store.calls, ["put a", "put a", "put b"]);
  assert.deepEqual(world.slept, [57]);
});

test("a refused key loads the credentials once and is then an alarm; nothing moves", async () => {
  const world = new World();
  world.store.fail("put a", 403, "AccessDenied");
  assert.equal((await world.router().put("k", "hi")).bucket, "a");
  for (let n = 0; n < 2; n += 1) world.store.fail("put a", 403, "AccessDenied");
  await assert.rejects(world.router().put("l", "hi"), CredentialsRefused);
  assert.equal(world.store.reloads, 2);
  assert.deepEqual(world.alarms, ["auth"]);
});

test("a short stream is spooled and can be sent again, a long one goes once", async () => {
  const world = new World();
  const router = world.router({ spoolLimit: 4 });
  world.store.fail("put a", 403);
  assert.equal((await router.put("short", stream("ab", "cd"))).bucket, "b");
  world.store.fail("put a", 403);
  await assert.rejects(router.put("long", stream("abc", "def"), { size: 6 }), (fault) => {
    assert.ok(fault instanceof NotStored);
    assert.equal(fault.record.rule, "7.once");
    return true;
  });
  await router.put("whole", stream("abc", "def", "g"), { size: 7 });
  assert.equal(await text(router.get("whole")), "abcdefg");
  await assert.rejects(router.put("unknown", stream("abc", "def")), RangeError);
  await assert.rejects(router.put("wrong", "abc", { size: 2 }), RangeError);
});

test("a stream that can be opened again is sent again", async () => {
  const world = new World();
  world.store.fail("put a", 403);
  const placed = await world.router({ spoolLimit: 1 }).put("k", () => stream("abc", "def"));
  assert.deepEqual([placed.bucket, placed.record.size], ["b", 6]);
});

test("a key is written once; an overwrite goes where the key is, and nowhere when that is not known", async () => {
  const world = new World();
  const router = world.router();
  world.store.fail("put a", 403, "QUOTA_EXCEEDED");
  await router.put("k", "one");
  await assert.rejects(world.router().put("k", "two").then(() => router.put("k", "three")), AlreadyExists);
  const fresh = new World();
  fresh.store.buckets.set("b", new Map([["k", { content: Buffer.from("one"), metadata: {} }]]));
  assert.equal((await fresh.router().put("k", "two", { overwrite: true })).bucket, "b");
  fresh.store.fail("head a", 503);
  await assert.rejects(fresh.router().put("other", "x", { overwrite: true }), Unavailable);
});

test("not found only when every bucket said so, and remembered for a second", async () => {
  const world = new World();
  const router = world.router();
  world.store.fail("head b", 503);
  await assert.rejects(router.get("k"), (fault) => fault instanceof Unavailable && "b" in fault.buckets);
  await assert.rejects(router.get("k"), NotFound);
  const asked = world.store.calls.length;
  await assert.rejects(router.locate("k"), NotFound);
  assert.equal(world.store.calls.length, asked);
  world.now += 1_000;
  await assert.rejects(router.locate("k"), NotFound);
  assert.equal(world.store.calls.length, asked + 3);
});

test("a delete goes to all, a listing merges, and both say what did not answer", async () => {
  const world = new World();
  const router = world.router();
  for (const [bucket, key] of [["b", "😀"], ["b", "k"], ["a", "k"], ["c", "\uffff"]]) {
    if (!world.store.buckets.has(bucket)) world.store.buckets.set(bucket, new Map());
    world.store.buckets.get(bucket).set(key, { content: Buffer.from(bucket), metadata: {} });
  }
  const { entries } = await router.list();
  assert.deepEqual(entries.map(({ bucket, entry }) => bucket + entry.key), ["ak", "c\uffff", "b😀"]);
  world.store.fail("list c", 500);
  assert.deepEqual(await router.list("k").then((l) => [l.entries.length, l.isComplete, l.failed]), [1, false, { c: "500" }]);
  world.store.fail("delete b", 503, "SlowDown");
  assert.deepEqual(await router.delete("k"), { isComplete: false, failed: { b: "503 SlowDown" } });
});

test("an empty key is refused before any request", async () => {
  const world = new World();
  const router = world.router();
  const refused = { name: "RangeError", message: /^the key is empty: name an object/ };
  await assert.rejects(router.put("", "x"), refused);
  await assert.rejects(router.put("", "x", { overwrite: true }), refused);
  for (const where of ["", new Reference("app", "a", "")]) {
    await assert.rejects(router.get(where), refused);
    await assert.rejects(router.locate(where), refused);
    await assert.rejects(router.delete(where), refused);
  }
  await assert.rejects(router.get("fbref1:app/a/"), { name: "NotAReference" });
  assert.deepEqual(world.store.calls, []);
  assert.deepEqual(router.counts, { "policy.taken": 1 }); // and nothing is counted
});

test("a reference is read without a policy, and never in another repository", async () => {
  const world = new World("{}");
  const router = world.router();
  world.store.buckets.set("a", new Map([["k", { content: Buffer.from("hi"), metadata: {} }]]));
  assert.equal(await text(router.get("fbref1:app/a/k")), "hi");
  await assert.rejects(router.put("k", "x"), NoPolicy);
  assert.throws(() => router.choose(), NoPolicy);
  await assert.rejects(new World().router().get(new Reference("other", "a", "k")), /is of repository 'other'/);
});

test("a fault of the adapter is thrown as it is and never taken for an answer of the store", async () => {
  const world = new World();
  world.store.put = async () => assert.fail("a mistake in the adapter");
  await assert.rejects(world.router().put("k", "x"), assert.AssertionError);
});
