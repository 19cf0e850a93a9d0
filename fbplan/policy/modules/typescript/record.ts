// The decision record: what a write considered, tried and came to, as JSON of integers and text.

const RECORD_FORMAT = "fbplan.decision/1";

/** A bigint only beyond 2^53 − 1, which JSON.stringify refuses; `canonical` writes both. */
export type Integer = number | bigint;

export interface CandidateRecord {
  readonly bucket: string;
  readonly tier: "open" | "last" | "closed";
  readonly rule: Rule;
  readonly retry_at_ms: Integer | null;
  readonly used: Integer;
  readonly own: Integer;
  readonly limit: Integer | null;
  readonly room: Integer;
}

/** One decision of a write. `retry_at_ms` is null where no time is known. */
export interface DecisionRecord {
  readonly at_ms: Integer;
  readonly bucket: string | null;
  readonly rule: Rule;
  readonly retry_at_ms: Integer | null;
  readonly candidates: readonly CandidateRecord[];
}

export interface AttemptRecord {
  readonly decision: number;
  readonly bucket: string;
  readonly at_ms: Integer;
  readonly end_ms: Integer;
  readonly charge: Integer;
  readonly status: number;
  readonly code: string;
  readonly class: AnswerClass | null;
  readonly rule: Rule;
  readonly settled: Found | null;
  readonly then: string;
}

export interface WriteRecord {
  readonly format: "fbplan.decision/1";
  readonly repository: string;
  readonly writer: string;
  readonly generation: Integer;
  readonly seq: Integer | null;
  readonly simple: boolean;
  readonly size: Integer;
  readonly at_ms: Integer;
  readonly took_ms: Integer;
  readonly decisions: readonly DecisionRecord[];
  readonly attempts: readonly AttemptRecord[];
  readonly charged: Integer;
  readonly alarms: readonly string[];
  readonly outcome: string;
  readonly bucket: string | null;
  readonly rule: Rule;
  readonly retry_at_ms: Integer | null;
}

function integer(value: bigint): Integer {
  return value <= MAX_INTEGER && value >= -MAX_INTEGER ? Number(value) : value;
}

function integerOrNull(value: bigint | null): Integer | null {
  return value === null ? null : integer(value);
}

function decisionRecord(decision: Decision): DecisionRecord {
  return {
    at_ms: integer(decision.atMs),
    bucket: decision.bucket,
    rule: decision.rule,
    retry_at_ms: integerOrNull(decision.retryAtMs),
    candidates: decision.candidates.map((found) => ({
      bucket: found.bucket,
      tier: found.tier,
      rule: found.rule,
      retry_at_ms: integerOrNull(found.retryAtMs),
      used: integer(found.used),
      own: integer(found.own),
      limit: integerOrNull(found.limit),
      room: integer(found.room),
    })),
  };
}

/** The record of a write that has ended. */
function writeRecord(flight: Flight): WriteRecord {
  const { view, attempts } = flight;
  const last = lastDecision(flight);
  const ended = attempts.length === 0 ? last.atMs : attempts.map((attempt) => attempt.endMs).reduce(larger);
  const outcome = flight.action.does;
  return {
    format: RECORD_FORMAT,
    repository: view.repository.name,
    writer: view.who.writer,
    generation: integer(view.policy.generation),
    seq: view.usage === null ? null : integer(view.usage.seq),
    simple: view.who.simple,
    size: integer(flight.request.size),
    at_ms: integer(flight.beganMs),
    took_ms: integer(ended - flight.beganMs),
    decisions: flight.decisions.map(decisionRecord),
    attempts: view.isOff("9.record") ? [] : attempts.map(attemptRecord),
    charged: integer(attempts.reduce((sum, attempt) => sum + attempt.charge, 0n)),
    alarms: [...flight.alarms],
    outcome,
    bucket: flight.action.bucket,
    rule: flight.rule === "" ? last.rule : flight.rule,
    retry_at_ms: outcome === "read_only" ? integerOrNull(last.retryAtMs) : null,
  };
}

function attemptRecord(found: Attempt): AttemptRecord {
  return {
    decision: found.decision,
    bucket: found.bucket,
    at_ms: integer(found.atMs),
    end_ms: integer(found.endMs),
    charge: integer(found.charge),
    status: found.status,
    code: found.code,
    class: found.kind,
    rule: found.rule,
    settled: found.settled,
    then: found.then,
  };
}
