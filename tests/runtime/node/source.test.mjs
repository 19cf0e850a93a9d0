// The two files while a router is at work: what is taken, what is refused and counted, what outlives a restart.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, statSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { T0, World, fbplan, policy, sealed } from "./router_world.mjs";

const { NoPolicy, ReadOnly } = fbplan;
const ZERO = "sha256:" + "0".repeat(64);
const stamp = (ms) => new Date(ms).toISOString();
const LIMITED = { a: [{ meter: "ingress_bytes", limit: 1000 }] };

function usage(seq, bytes, at = T0) {
  const grants = ["soft", "hard"].map((tier) => ({ id: tier, tier, bytes }));
  const meters = { ingress_bytes: { period: "2026-11", used: 0, grants } };
  return sealed({
    format: "fbplan.usage/1", policy_generation: 7, policy_digest: ZERO, seq, published_at: stamp(at), as_of: stamp(at - 120_000),
    poll_s: 60, max_lag_s: 120, buckets: { a: { quality: "ok", expires_at: stamp(at + 90_000), meters } },
  });
}

test("a new policy is taken within a second, a request keeps the pair that it began with", async () => {
  const world = new World();
  const router = world.router();
  world.write(world.policy, policy({ order: ["b"] }, 8));
  assert.equal((await router.put("k", "x")).bucket, "a");
  world.now += 1_000;
  assert.equal((await router.put("l", "x")).bucket, "b");
  assert.equal(router.counts["policy.taken"], 2);
});

test("a switched link is a change", async () => {
  const world = new World();
  const [old, next, link] = ["old", "next", "link"].map((name) => join(world.folder, name));
  world.write(old, policy());
  world.write(next, policy({ order: ["c"] }, 8));
  symlinkSync(old, link);
  world.policy = link;
  const router = world.router();
  unlinkSync(link);
  symlinkSync(next, link);
  router.refresh(true);
  assert.equal(router.choose().bucket, "c");
});

test("what is torn, older or of another content is refused and counted, and the last good one stays", () => {
  const world = new World();
  const router = world.router();
  for (const content of [JSON.stringify(policy()).slice(0, -9), policy({}, 6), policy({ order: ["c"] }, 7)]) {
    world.write(world.policy, content);
    router.refresh(true);
    router.refresh(true);
  }
  rmSync(world.policy);
  router.refresh(true);
  mkdirSync(world.policy);
  router.refresh(true);
  assert.equal(router.choose().bucket, "a");
  const { "policy.torn": torn, "policy.older": older, "policy.conflict": conflict, "policy.unreadable": gone } = router.counts;
  assert.deepEqual([torn, older, conflict, gone], [1, 1, 1, 2]);
  assert.deepEqual([...new Set(world.alarms)], ["policy.torn", "policy.older", "policy.conflict", "policy.unreadable"]);
});

test("grants of a fleet: a share is used up, runs out by the clock, and comes again with the next usage", async () => {
  const world = new World(policy({ order: ["a"] }, 7, LIMITED));
  const file = join(world.folder, "usage.json");
  world.write(file, usage(1, 10));
  const router = world.router({ usage: file });
  await router.put("k", "x".repeat(10));
  await assert.rejects(router.put("l", "x"), (fault) => fault instanceof ReadOnly && fault.reasons.a === "2.closed");
  world.write(file, usage(2, 10));
  world.now += 1_000;
  await router.put("m", "x");
  world.now = T0 + 88_000;
  await assert.rejects(router.put("n", "x"), (fault) => fault instanceof ReadOnly && fault.reasons.a === "2.expired");
});

test("a usage file that goes away closes, it is never zero", async () => {
  const world = new World(policy({ order: ["a"] }, 7, LIMITED));
  await assert.rejects(world.router({ usage: join(world.folder, "none") }).put("k", "x"), ReadOnly);
});

test("what was good outlives a restart, confirmed as of then", async () => {
  const world = new World();
  const lastGood = join(world.folder, "kept");
  world.router({ lastGood });
  world.write(world.policy, "{");
  world.now += 3_600_000;
  assert.equal(world.router({ lastGood }).choose().bucket, "a");
  assert.equal(statSync(join(lastGood, "routing-policy.json")).mtimeMs, T0);
  world.now = T0 + 604_800_000;
  await assert.rejects(world.router({ lastGood }).put("k", "x"), (fault) => fault.reasons.a === "6.expired");
  assert.throws(() => world.router().choose(), NoPolicy);
});

test("a write without a policy names the file and its fault", async () => {
  const world = new World();
  const path = join(world.folder, "other.json");
  world.policy = path;
  const told = async (why) => {
    const router = world.router();
    router.refresh(true); // also when nothing is new at the place
    await assert.rejects(router.put("k", "x"), {
      name: "NoPolicy",
      message: `no routing policy was ever good, nothing is written: ${path}: ${why}; run: fbplan policy check ${path}`,
    });
  };
  await told("there is no such file");
  world.write(path, "{}");
  await told("its format is not fbplan.routing/1");
  rmSync(path);
  mkdirSync(path);
  await told("it is not a regular file");
});

test("a cautious start waits for grants that are newer than the process", async () => {
  const world = new World(policy({ order: ["a"] }, 7, LIMITED));
  const file = join(world.folder, "usage.json");
  world.write(file, usage(1, 10));
  const router = world.router({ usage: file, cautiousStart: true });
  await assert.rejects(router.put("k", "x"), (fault) => fault.reasons.a === "2.born");
  world.write(file, usage(2, 10, T0 + 2_001));
  world.now += 5_000;
  await router.put("k", "x");
});
