// Decisions in words: for people who ask why a write went where it went.

const SHORT: Partial<Record<Rule, string>> = {
  "1.role": "takes no writes of this repository",
  "1.state": "its state is not active",
  "1.pinned": "does not hold the key that is overwritten, or the upload",
  "1.size": "smaller than the object",
  "1.tried": "tried before in this request",
  "2.unlimited": "open: no cap",
  "2.unknown": "its use is not known",
  "2.expired": "its grant has run out, no newer usage came",
  "2.born": "its grant is older than this process",
  "3.breaker": "rests after failures",
  "3.throttle": "asked for a pause",
  "3.node": "its node is not online",
  "4.hold": "closed by its cap until use has fallen or a new period begins",
  "4.min": "closed by its cap a short while ago",
  "4.ramp": "opening again, not yet for this writer",
  "6.expired": "the policy is too old to write by",
  "8.quota": "the store says its quota is used up",
};
const CAPPED: Partial<Record<Rule, string>> = {
  "2.open": "open",
  "2.last": "past its soft cap",
  "2.hint": "past a cap on stored or read bytes",
};
const TOLD_CLASS: Record<AnswerClass, string> = {
  quota: "quota used up",
  quota_suspect: "refused, perhaps for quota",
  throttle: "asked to slow down",
  transient: "failed for now",
  auth: "the key was refused",
  clock: "the clock is off",
  request: "the request was refused",
};
const TOLD_THEN: Record<string, string> = {
  hop: "tried another bucket",
  retry: "tried once more",
  wait: "waited as asked and tried once more",
  reload: "loaded the credentials again",
  head: "looked whether it is there",
  stop: "stopped",
};

function percent(candidate: CandidateRecord): string {
  const limit = BigInt(candidate.limit ?? 0);
  return `${limit === 0n ? 100n : ((BigInt(candidate.used) + BigInt(candidate.own)) * 100n) / limit}% used`;
}

function toldStanding(candidate: CandidateRecord, simple: boolean): string {
  const { rule } = candidate;
  const capped = CAPPED[rule];
  if (capped !== undefined) return `${capped}: ${percent(candidate)}`;
  if (rule === "2.closed") return `${toldClosed(candidate, simple)}: ${percent(candidate)}`;
  const text = SHORT[rule] ?? rule;
  return rule.startsWith("4.") ? `${text}: ${percent(candidate)}` : text;
}

function toldClosed(candidate: CandidateRecord, simple: boolean): string {
  if (BigInt(candidate.room) !== 0n) return "the rest of its cap is too small";
  // a fleet may have nothing granted far under the cap: at its start, or while statistics lag
  const isFull = simple || BigInt(candidate.used) + BigInt(candidate.own) >= BigInt(candidate.limit ?? 0);
  return isFull ? "at its hard cap" : "nothing is granted now";
}

/** A decision record, told: one line for the outcome, one for each candidate and each attempt. */
export function why(record: WriteRecord): string {
  const lines = [toldOutcome(record)];
  record.decisions.forEach((decision, index) => {
    if (index > 0) lines.push(`then, ${BigInt(decision.at_ms) - BigInt(record.at_ms)} ms after the start:`);
    const width = Math.max(0, ...decision.candidates.map((candidate) => candidate.bucket.length));
    for (const candidate of decision.candidates) {
      const mark = candidate.bucket === decision.bucket ? "→" : " ";
      const until = candidate.retry_at_ms;
      const again = until === null ? "" : `, ask again at ${stampOf(BigInt(until))}`;
      const stands = toldStanding(candidate, record.simple);
      lines.push(`  ${mark} ${candidate.bucket.padEnd(width)}  ${stands}${again} (${candidate.rule})`);
    }
    lines.push(...record.attempts.filter((attempt) => attempt.decision === index).map(toldAttempt));
  });
  lines.push(...record.alarms.map((alarm) => `alarm: ${alarm}`));
  return lines.join("\n") + "\n";
}

function toldOutcome(record: WriteRecord): string {
  const { size, bucket, seq, repository } = record;
  const showing = seq === null || BigInt(seq) === 0n ? "no usage" : `usage ${seq}`;
  const basis = `policy ${record.generation}, ${showing}, ${stampOf(BigInt(record.at_ms))}`;
  switch (record.outcome) {
    case "stored":
      return `${size} bytes of ${repository} went to ${bucket} (${basis})`;
    case "read_only": {
      const until = record.retry_at_ms;
      const again = until === null ? "" : ` before ${stampOf(BigInt(until))}`;
      return `no bucket takes ${size} bytes of ${repository}${again} (${basis})`;
    }
    case "exists":
      return `the key is there already, in ${bucket}: only a write with overwrite replaces it (${basis})`;
    default:
      return `${size} bytes of ${repository} were not stored: rule ${record.rule} (${basis})`;
  }
}

function toldAttempt(attempt: AttemptRecord): string {
  const took = `${BigInt(attempt.end_ms) - BigInt(attempt.at_ms)} ms`;
  if (attempt.class === null) return `    ${attempt.bucket}: stored after ${took}`;
  const said = [attempt.status === 0 ? "no answer" : String(attempt.status), attempt.code].filter((part) => part !== "");
  const found = attempt.settled === null ? "" : `, a look there found it ${attempt.settled}`;
  const then = TOLD_THEN[attempt.then] ?? "stored after all";
  return `    ${attempt.bucket}: ${said.join(" ")} after ${took}: ${TOLD_CLASS[attempt.class]}${found}; ${then} (${attempt.rule})`;
}
