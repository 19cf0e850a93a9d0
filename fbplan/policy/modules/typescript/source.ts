// The two files as they stand on disk, watched by path: the newest good pair, swapped in as one reference.
import * as fs from "node:fs";
import * as path from "node:path";

/** The files are looked at no more often than this. */
const EVERY_MS = 1_000;
const HOUR_MS = 3_600_000;

export type Alarm = (name: string, told: Readonly<Record<string, string>>) => void;

/** What a request runs by from its beginning to its end. */
interface Pair {
  readonly policy: Policy | null;
  readonly usage: Usage | null;
  /** When the policy was last seen to stand at its path. */
  readonly confirmedMs: number;
}

/** One path: the mark of what was last looked at there, and whether that was taken. */
class WatchedFile {
  readonly path: string;
  readonly kept: string | null;
  wasTaken = false;
  private mark: string | null = null;
  private keptMs: number | null = null;

  constructor(watched: string, kept: string | null) {
    this.path = watched;
    this.kept = kept;
  }

  /** The content if it is not what was looked at before. */
  changed(): Uint8Array | null {
    const mark = markOf(this.path);
    if (mark === this.mark) return null;
    this.forget();
    const raw = contentOf(this.path);
    if (markOf(this.path) === mark) this.mark = mark; // else it was replaced meanwhile, and is read again next time
    return raw;
  }

  forget(): void {
    this.wasTaken = false;
    this.mark = null;
  }

  /** The content still stands: what is kept is as young as that, to the hour. */
  confirm(atMs: number): void {
    if (this.kept === null || (this.keptMs !== null && atMs - this.keptMs < HOUR_MS)) return;
    fs.utimesSync(this.kept, atMs / 1000, atMs / 1000);
    this.keptMs = atMs;
  }

  /** Remember the content on disk, for a start at which the file is gone or damaged. */
  keep(raw: Uint8Array, atMs: number): void {
    if (this.kept === null) return;
    const folder = path.dirname(this.kept);
    const temporary = path.join(folder, `.${path.basename(this.kept)}.${process.pid}.fbplan-tmp`);
    fs.mkdirSync(folder, { recursive: true });
    try {
      fs.writeFileSync(temporary, raw, { flush: true });
      fs.renameSync(temporary, this.kept);
      this.keptMs = null;
      this.confirm(atMs);
    } finally {
      fs.rmSync(temporary, { force: true });
    }
  }
}

function markOf(watched: string): string {
  const found = fs.statSync(watched, { bigint: true }); // follows links, so that a switched link is a change
  if (!found.isFile()) throw new Unusable("unreadable", "it is not a regular file");
  return `${found.ino} ${found.mtimeNs} ${found.size}`;
}

function contentOf(watched: string): Uint8Array {
  const file = fs.openSync(watched, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    if (fs.fstatSync(file).size > LARGEST_FILE) throw new Unusable("shape", `it is larger than ${LARGEST_FILE} bytes`);
    return fs.readFileSync(file);
  } finally {
    fs.closeSync(file);
  }
}

/** Reads the files again when they change. */
class Source {
  /** `policy.taken`, `usage.digest`, …: how often each file was taken, or refused and why. */
  readonly counts = new Map<string, number>();
  pair: Pair = { policy: null, usage: null, confirmedMs: 0 };
  readonly policy: WatchedFile;
  private readonly usage: WatchedFile | null;
  private readonly clockMs: () => number;
  private readonly alarm: Alarm;
  private lookedMs: number | null = null;
  /** What was wrong with the policy when it was refused last. */
  policyFault = "";

  /** `lastGood` is a folder of this process's own, where what was good is kept for the next start. */
  constructor(policy: string, usage: string | null, lastGood: string | null, clockMs: () => number, alarm: Alarm) {
    const kept = (name: string): string | null => (lastGood === null ? null : path.join(lastGood, name));
    this.policy = new WatchedFile(policy, kept("routing-policy.json"));
    this.usage = usage === null ? null : new WatchedFile(usage, kept("usage.json"));
    this.clockMs = clockMs;
    this.alarm = alarm;
    this.restore();
    this.refresh();
  }

  /** Look at the files, unless that was done within the last second; `now` looks in any case. */
  refresh(now = false): void {
    const at = this.clockMs();
    const since = this.lookedMs === null ? null : at - this.lookedMs;
    if (!now && since !== null && since >= 0 && since < EVERY_MS) return;
    this.lookedMs = at;
    const { policy: policyFile, usage: usageFile } = this;
    let pair = this.pair;
    this.take("policy", policyFile, at, (raw) => (pair = { ...pair, policy: nextPolicy(pair.policy, raw) }));
    if (policyFile.wasTaken) {
      pair = { ...pair, confirmedMs: at };
      quietly(() => policyFile.confirm(at));
    }
    if (usageFile !== null) {
      this.take("usage", usageFile, at, (raw) => (pair = { ...pair, usage: nextUsage(pair.usage, pair.policy, raw) }));
    }
    this.pair = pair;
  }

  private take(word: string, file: WatchedFile, at: number, use: (raw: Uint8Array) => void): void {
    try {
      const raw = file.changed();
      if (raw === null) return;
      use(raw);
      file.wasTaken = true;
      this.count(`${word}.taken`);
      this.keep(word, file, raw, at);
    } catch (fault) {
      if (fault instanceof Unusable) return this.report(word, file, fault.reason, fault.message);
      file.forget();
      this.report(word, file, "unreadable", toldFault(fault));
    }
  }

  private keep(word: string, file: WatchedFile, raw: Uint8Array, at: number): void {
    try {
      file.keep(raw, at);
    } catch (fault) {
      this.report(word, file, "kept", toldFault(fault));
    }
  }

  /** Begin with what was good in the last run; it is confirmed as of then, not as of now. */
  private restore(): void {
    const { kept } = this.policy;
    const usage = this.usage?.kept ?? null;
    quietly(() => {
      if (kept === null) return;
      const confirmedMs = Math.floor(fs.statSync(kept).mtimeMs);
      this.pair = { policy: nextPolicy(null, contentOf(kept)), usage: null, confirmedMs };
    });
    quietly(() => {
      if (usage !== null) this.pair = { ...this.pair, usage: nextUsage(null, null, contentOf(usage)) };
    });
  }

  private report(word: string, file: WatchedFile, reason: string, told: string): void {
    if (file === this.policy && reason !== "kept") this.policyFault = told;
    this.count(`${word}.${reason}`);
    this.alarm(`${word}.${reason}`, { path: file.path, why: told });
  }

  private count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

/** A fault of the file system, which says what is wrong in `code`; everything else is thrown on. */
function toldFault(fault: unknown): string {
  if (fault instanceof Error && "code" in fault) {
    return fault.code === "ENOENT" ? "there is no such file" : String(fault.code);
  }
  throw fault;
}

function quietly(attempted: () => void): void {
  try {
    attempted();
  } catch (fault) {
    if (!(fault instanceof Unusable)) toldFault(fault);
  }
}
