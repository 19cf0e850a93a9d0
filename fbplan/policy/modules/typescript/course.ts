// One write from the first decision to its end, as a machine without input or output. Rules 7 to 9.
//
//   begin ─→ try ─→ stored
//             │ ├─→ head ──→ stored | exists
//             │ ├─→ wait, reload ─→ try
//             │ └─→ (another bucket) try
//             └───→ stop
//
// Whoever drives it does what an action says and comes back with what happened.

type Step = readonly [State, Flight];

/** The first decision and what it leads to: a try, or the end. */
function begin(view: View, state: State, nowMs: bigint, request: WriteRequest): Step {
  return choose(state, newFlight(view, request, nowMs), nowMs);
}

/** What was to be waited for or loaded again is done: the same bucket once more, if it still takes the write. */
function proceed(state: State, flight: Flight, nowMs: bigint): Step {
  const { bucket } = lastAttempt(flight);
  let kept = state;
  if (flight.action.does === "reload") {
    const stop = limitOf(state, flight, nowMs, flight.answer);
    if (stop !== null) return [state, stopped(flight, "failed", stop)];
    kept = retried(state, nowMs);
  }
  const decision = decide(flight.view, kept, nowMs, flight.request, flight.tried);
  const again = decision.candidates.find((candidate) => candidate.bucket === bucket);
  // the first try was counted, so that there may be no room for a second
  if (again?.tier === "closed" && again.rule !== "3.node") return hop(noted(kept, decision), flight, nowMs, flight.answer);
  return tryOn(kept, flight, nowMs, bucket);
}

/** A try has ended. */
function told(state: State, before: Flight, nowMs: bigint, answer: Answer): Step {
  const ended = { endMs: nowMs, status: answer.status, code: answer.code };
  const { bucket } = lastAttempt(before);
  if (answer.status >= 200 && answer.status < 300) {
    return [succeeded(state, bucket), over(withAttempt(before, { ...ended, then: "stored" }), action("stored", bucket), "")];
  }
  const kind = classify(answer.status, answer.code);
  const flight: Flight = { ...withAttempt(before, { ...ended, kind, rule: `8.${kind}` }), answer };
  const { view } = flight;
  let isOpen = kind === "transient" && answer.wasSent;
  if (kind === "request" && saysExists(answer.status, answer.code)) {
    // perhaps the first try is what stands there
    isOpen = flight.attempts.slice(0, -1).some((a) => a.bucket === bucket && a.kind === "transient");
    if (!isOpen && !view.isOff("8.request")) {
      return [answered(state, bucket), over(withAttempt(flight, { then: "stop" }), action("exists", bucket), "8.request")];
    }
  }
  if (!isOpen || view.isOff("7.head")) return byClass(state, flight, nowMs, answer);
  const left = leftMs(flight, nowMs);
  if (left <= 0n) return byClass(state, withAttempt(flight, { settled: "unknown" }), nowMs, answer);
  return [state, { ...flight, action: action("head", bucket, smaller(left, view.repository.perTryMs)) }];
}

/** A HEAD has ended: `unknown` when it failed too. */
function settled(state: State, before: Flight, nowMs: bigint, found: Found): Step {
  const flight = withAttempt(before, { settled: found, endMs: nowMs });
  const { bucket } = lastAttempt(flight);
  switch (found) {
    case "equal":
      return [succeeded(state, bucket), over(withAttempt(flight, { then: "stored" }), action("stored", bucket), "7.head")];
    case "different":
      return [answered(state, bucket), over(withAttempt(flight, { then: "stop" }), action("exists", bucket), "7.head")];
    default:
      return byClass(state, flight, nowMs, flight.answer);
  }
}

function choose(state: State, before: Flight, nowMs: bigint): Step {
  const decision = decide(before.view, state, nowMs, before.request, before.tried);
  const flight = { ...before, decisions: [...before.decisions, decision] };
  const kept = noted(state, decision);
  if (decision.bucket !== null) return tryOn(kept, flight, nowMs, decision.bucket);
  // when quota alone stood in the way, nothing is broken
  const isFull = flight.attempts.every((attempt) => attempt.kind === "quota");
  return [kept, over(flight, action(isFull ? "read_only" : "failed"), decision.rule)];
}

function tryOn(state: State, flight: Flight, nowMs: bigint, bucket: string): Step {
  const { view, request } = flight;
  const attempt: Attempt = {
    decision: flight.decisions.length - 1, bucket, atMs: nowMs, charge: view.isOff("7.charge") ? 0n : request.size,
    endMs: 0n, status: 0, code: "", kind: null, rule: "7.charge", settled: null, then: "",
  };
  const timeout = larger(1n, smaller(view.repository.perTryMs, leftMs(flight, nowMs)));
  const next = { ...flight, attempts: [...flight.attempts, attempt], action: action("try", bucket, timeout) };
  return [charged(state, view, nowMs, bucket, request.size), next];
}

/** Rule 8: what the class of the last answer means. */
function byClass(before: State, flight: Flight, nowMs: bigint, answer: Answer): Step {
  const { bucket, kind: stated, rule } = lastAttempt(flight);
  let kind: AnswerClass = stated ?? "request";
  if (flight.view.isOff(`8.${kind}`)) kind = kind === "request" ? "quota_suspect" : "request";
  const state = kind === "transient" ? before : answered(before, bucket);
  switch (kind) {
    case "quota": {
      const alarmed = isUnderCap(flight, bucket) ? withAlarm(flight, "credit_mismatch") : flight;
      return hop(outOfQuota(state, flight.view, nowMs, bucket), alarmed, nowMs, answer);
    }
    case "quota_suspect": {
      const noticed = suspected(state, nowMs);
      const isMany = noticed.suspects.length === SUSPECTS && isUnderCap(flight, bucket);
      const alarmed = isMany && !flight.view.isOff("8.suspects") ? withAlarm(flight, "auth") : flight;
      return hop(noticed, alarmed, nowMs, answer);
    }
    case "throttle":
      return throttled(state, flight, nowMs, answer);
    case "transient": {
      const noticed = failed(state, nowMs, bucket);
      const tries = flight.attempts.filter((a) => a.bucket === bucket && a.kind === "transient").length;
      if (tries >= TRIES || localOf(noticed, bucket).failures >= BREAKER_FAILURES) return hop(noticed, flight, nowMs, answer);
      const pause = JITTER_LEAST_MS + (answer.dice % JITTER_MOST_MS);
      return again(noticed, flight, nowMs, answer, action("wait", bucket, pause), "retry");
    }
    case "auth":
    case "clock":
      if (flight.reloads > 0) return [state, stopped(withAlarm(flight, kind), "refused", rule)];
      // also when this write cannot go on: the next one needs the new key
      return [state, over(withAttempt({ ...flight, reloads: 1 }, { then: "reload" }), action("reload", bucket), "")];
    case "request":
      return [state, stopped(flight, "refused", "8.request")];
  }
}

function throttled(before: State, flight: Flight, nowMs: bigint, answer: Answer): Step {
  const { bucket } = lastAttempt(flight);
  const asked = answer.retryAfterMs;
  if (asked === null) return hop(before, flight, nowMs, answer);
  const state = paused(before, nowMs + asked, bucket);
  const hasWaited = flight.attempts.some((a) => a.bucket === bucket && a.then === "wait");
  const isShort = asked <= flight.view.repository.perTryMs && asked < leftMs(flight, nowMs);
  if (hasWaited || !isShort || !canRepeat(flight, answer)) return hop(state, flight, nowMs, answer);
  return again(state, flight, nowMs, answer, action("wait", bucket, asked), "wait");
}

/** The same bucket once more, after a wait. */
function again(state: State, flight: Flight, nowMs: bigint, answer: Answer, next: Action, then: "retry" | "wait"): Step {
  const stop = limitOf(state, flight, nowMs + next.ms, answer);
  if (stop !== null) return [state, stopped(flight, "failed", stop)];
  return [retried(state, nowMs), over(withAttempt(flight, { then }), next, "")];
}

function hop(state: State, flight: Flight, nowMs: bigint, answer: Answer): Step {
  const { view } = flight;
  const isFar = flight.hops >= view.repository.maxHops && !view.isOff("9.hops");
  const stop = limitOf(state, flight, nowMs, answer) ?? (isFar ? "9.hops" : null);
  if (stop !== null) return [state, stopped(flight, "failed", stop)];
  const tried = [...flight.tried, lastAttempt(flight).bucket];
  const next = { ...withAttempt(flight, { then: "hop" }), tried, hops: flight.hops + 1n };
  return choose(retried(state, nowMs), next, nowMs);
}

/** The rule that forbids another try of any kind. */
function limitOf(state: State, flight: Flight, atMs: bigint, answer: Answer): Rule | null {
  const { view } = flight;
  if (!canRepeat(flight, answer) && !view.isOff("7.once")) return "7.once";
  if (leftMs(flight, atMs) <= 0n && !view.isOff("9.deadline")) return "9.deadline";
  return tokensAt(state, atMs) < TOKEN && !view.isOff("9.tokens") ? "9.tokens" : null;
}

function canRepeat(flight: Flight, answer: Answer): boolean {
  return flight.request.isRepeatable || !answer.wasSent;
}

function over(flight: Flight, next: Action, rule: Rule | ""): Flight {
  return { ...flight, action: next, rule };
}

function stopped(flight: Flight, end: End, rule: Rule): Flight {
  const last = withAttempt(flight, { then: "stop" });
  return over(last, action(end, lastAttempt(last).bucket), rule);
}

function withAlarm(flight: Flight, alarm: string): Flight {
  return { ...flight, alarms: [...new Set([...flight.alarms, alarm])].sort(byCodePoint) };
}

/** Whether what is known says that there is room left. */
function isUnderCap(flight: Flight, bucket: string): boolean {
  const found = lastDecision(flight).candidates.find((candidate) => candidate.bucket === bucket);
  const known = found === undefined ? 0n : found.used + found.own;
  return flight.view.bucket(bucket).written.every((cap) => known < cap.hard);
}
