// One write under way: what is asked of whoever drives it, what came of each try, and how far it is.

type End = "stored" | "exists" | "read_only" | "refused" | "failed";

/** What to do next, or the end. `ms` is the timeout of a try or a head, and the length of a wait. */
interface Action {
  readonly does: "try" | "head" | "wait" | "reload" | End;
  readonly bucket: string | null;
  readonly ms: bigint;
}

function action(does: Action["does"], bucket: string | null = null, ms = 0n): Action {
  return { does, bucket, ms };
}

function isEnd(does: Action["does"]): does is End {
  return does !== "try" && does !== "head" && does !== "wait" && does !== "reload";
}

/** What came of a try. Status 2xx is success, 0 is no answer. */
interface Answer {
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: bigint | null;
  /** Whether bytes of the body may have reached the server. */
  readonly wasSent: boolean;
  /** A random number below 2^32, for the jitter of a pause. */
  readonly dice: bigint;
}

const NO_ANSWER: Answer = { status: 0, code: "", retryAfterMs: null, wasSent: true, dice: 0n };

type Found = "equal" | "absent" | "different" | "unknown";

/** One try, and what was made of it. */
interface Attempt {
  readonly decision: number;
  readonly bucket: string;
  readonly atMs: bigint;
  readonly charge: bigint;
  readonly endMs: bigint;
  readonly status: number;
  readonly code: string;
  /** The class of the answer; null is success. */
  readonly kind: AnswerClass | null;
  readonly rule: Rule;
  /** What a HEAD found after an outcome that was not known. */
  readonly settled: Found | null;
  readonly then: "" | "stored" | "stop" | "hop" | "retry" | "wait" | "reload";
}

/** One write under way. It keeps the pair of files that it began with. */
interface Flight {
  readonly view: View;
  readonly request: WriteRequest;
  readonly beganMs: bigint;
  readonly decisions: readonly Decision[];
  readonly attempts: readonly Attempt[];
  readonly alarms: readonly string[];
  readonly tried: readonly string[];
  readonly hops: bigint;
  readonly reloads: number;
  /** The answer that a HEAD is to settle. */
  readonly answer: Answer;
  readonly action: Action;
  /** The rule that ended it. */
  readonly rule: Rule | "";
}

function newFlight(view: View, request: WriteRequest, beganMs: bigint): Flight {
  return {
    view, request, beganMs, decisions: [], attempts: [], alarms: [], tried: [], hops: 0n, reloads: 0,
    answer: NO_ANSWER, action: action("try"), rule: "",
  };
}

function leftMs(flight: Flight, nowMs: bigint): bigint {
  return flight.beganMs + flight.view.repository.deadlineMs - nowMs;
}

function lastDecision(flight: Flight): Decision {
  return flight.decisions[flight.decisions.length - 1] as Decision; // a flight begins with one
}

function lastAttempt(flight: Flight): Attempt {
  return flight.attempts[flight.attempts.length - 1] as Attempt; // asked only after a try
}

function withAttempt(flight: Flight, changes: Partial<Attempt>): Flight {
  return { ...flight, attempts: [...flight.attempts.slice(0, -1), { ...lastAttempt(flight), ...changes }] };
}
