// The chooser at work: writes each object to the bucket that the policy wants, and finds it again.

const NEGATIVE_MS = 1_000;
const NEGATIVES = 1_024;
const DEFAULT_PER_TRY_MS = 5_000n;
const SPOOL_LIMIT = 8 * 1024 * 1024;

/**
 *     const router = Router.fromFile("routing-policy.json", s3Transport({ credentials }));
 *     const placed = await router.put("hello.txt", "hi");
 *     await router.get(String(placed.reference));
 */
export class Router {
  private readonly source: Source;
  private readonly transport: Transport;
  private readonly settings: Settings;
  private readonly who: Who;
  private readonly clockMs: () => number;
  private readonly own = new Map<string, number>();
  private readonly absent = new Map<string, number>();
  private state = emptyState();
  private known: readonly [Pair, View] | null = null;
  private fbseq = 0n;
  private isStale = false;

  private constructor(policy: string, transport: Transport, settings: Settings) {
    this.clockMs = settings.clockMs ?? Date.now;
    const alarm: Alarm = (name, told) => settings.alarm?.(name, told);
    this.source = new Source(policy, settings.usage ?? null, settings.lastGood ?? null, this.clockMs, alarm);
    this.transport = transport;
    this.settings = settings;
    this.who = {
      writer: settings.writer ?? crypto.randomBytes(8).toString("hex"),
      simple: settings.simple ?? settings.usage === undefined,
      expectsUsage: settings.usage !== undefined,
      bornMs: settings.cautiousStart === true ? this.nowMs() : null,
      off: new Set(),
    };
  }

  static fromFile(policy: string, transport: Transport, settings: Settings = {}): Router {
    return new Router(policy, transport, settings);
  }

  /** Outcomes, classes of answers, alarms, and what became of the files. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.source.counts, ...this.own]);
  }

  /** Look whether the files changed, at most once a second. `put` does it by itself; `choose` never does. */
  refresh(now = false): void {
    this.source.refresh(now);
  }

  /** What would be chosen for a write that begins now. No input or output, nothing is counted. */
  choose(size = 0): DecisionRecord {
    const request = { size: BigInt(size), isRepeatable: true, only: null };
    return decisionRecord(decide(this.view(), this.state, this.nowMs(), request));
  }

  /** Write an object. Rejects with WriteFailed (ReadOnly, NotStored, Refused, AlreadyExists), NoPolicy and RangeError. */
  async put(key: string, content: Content, options: PutOptions = {}): Promise<Placement> {
    required(key);
    this.refresh();
    const body = await bodyOf(content, options.size ?? null, this.settings.spoolLimit ?? SPOOL_LIMIT);
    const only = options.overwrite === true ? await this.holder(key) : null;
    const metadata = { fbseq: String(this.nextSeq()), ...(body.sha256 === null ? {} : { fbsha256: body.sha256 }) };
    const write: Write = { key, body, metadata, writeOnce: options.overwrite !== true, options: options.options ?? {} };
    const begun = this.begin({ size: BigInt(body.size), isRepeatable: body.isRepeatable, only });
    const { flight, stored } = await runWrite(this.desk(), this.transport, begun, write);
    const record = writeRecord(flight);
    this.report(record);
    if (record.outcome !== "stored" || record.bucket === null) throw faultOf(record);
    this.absent.delete(key);
    const reference = new Reference(record.repository, record.bucket, key, stored.etag);
    return { reference, bucket: record.bucket, record, answer: stored.answer };
  }

  /** The object by its reference (one request) or by its key. Rejects with NotFound, Unavailable, NotAReference and RangeError. */
  async get(where: string | Reference): Promise<Got> {
    const reference = referenceIn(where);
    if (reference === null) {
      const { place } = await this.locate(where);
      return fetchFrom(this.transport, [place], String(where), this.perTryMs());
    }
    return fetchFrom(this.transport, this.referred(reference), reference.key, this.perTryMs());
  }

  /** Which bucket holds the object. Rejects as `get` does. */
  async locate(where: string | Reference): Promise<Located> {
    const reference = referenceIn(where);
    if (reference !== null) return locate(this.transport, this.referred(reference), reference.key, this.perTryMs());
    const key = String(where);
    const places = this.places(this.view());
    if ((this.absent.get(key) ?? 0) > this.clockMs()) throw new NotFound(`no bucket holds '${key}', as of a moment ago`);
    try {
      return await locate(this.transport, places, key, this.perTryMs());
    } catch (fault) {
      if (fault instanceof NotFound) this.remember(key);
      throw fault;
    }
  }

  /** Delete the key from every bucket. */
  async delete(where: string | Reference): Promise<Deleted> {
    const key = referenceIn(where)?.key ?? String(where);
    return deleteFrom(this.transport, this.places(this.view()), key, this.perTryMs());
  }

  /** The keys of all buckets. */
  async list(prefix = ""): Promise<Listing> {
    return listAll(this.transport, this.places(this.view()), prefix, this.perTryMs());
  }

  private nowMs(): bigint {
    return BigInt(Math.floor(this.clockMs()));
  }

  private perTryMs(): number {
    return timerMs(this.viewOrNull()?.repository.perTryMs ?? DEFAULT_PER_TRY_MS);
  }

  private view(): View {
    const { pair } = this.source;
    if (this.known?.[0] !== pair) this.known = [pair, this.newView(pair)];
    return this.known[1];
  }

  private viewOrNull(): View | null {
    try {
      return this.view();
    } catch (fault) {
      if (fault instanceof NoPolicy) return null;
      throw fault;
    }
  }

  private newView(pair: Pair): View {
    const { policy } = pair;
    if (policy === null) {
      const { policy: file, policyFault } = this.source;
      const told = `${file.path}: ${policyFault}; run: fbplan policy check ${file.path}`;
      throw new NoPolicy(`no routing policy was ever good, nothing is written: ${told}`);
    }
    const names = [...policy.repositories.keys()];
    const wanted = this.settings.repository ?? (names.length === 1 ? names[0] : undefined);
    const repository = wanted === undefined ? undefined : policy.repositories.get(wanted);
    if (repository === undefined) {
      throw new NoPolicy(`name one repository of the policy: { repository: … }; it has: ${names.join(", ")}`);
    }
    return new View(policy, repository, pair.usage, BigInt(pair.confirmedMs), this.who);
  }

  private begin(request: WriteRequest): Flight {
    const view = this.view();
    const isStale = this.nowMs() >= view.confirmedMs + view.repository.staleAfterMs;
    if (isStale && !this.isStale) this.raise("policy.stale", { repository: view.repository.name });
    this.isStale = isStale;
    return this.step((state) => begin(view, state, this.nowMs(), request));
  }

  private step(change: (state: State) => Step): Flight {
    const [state, flight] = change(this.state);
    this.state = state;
    return flight;
  }

  private desk(): Desk {
    return {
      nowMs: () => this.nowMs(),
      dice: () => BigInt(this.settings.dice?.() ?? crypto.randomInt(2 ** 32)),
      sleep: this.settings.sleep ?? ((ms) => new Promise((done) => setTimeout(done, ms))),
      step: (change) => this.step(change),
    };
  }

  private async holder(key: string): Promise<string | null> {
    try {
      return (await locate(this.transport, this.places(this.view()), key, this.perTryMs())).place.bucket;
    } catch (fault) {
      if (fault instanceof NotFound) return null;
      throw fault;
    }
  }

  private places(view: View): Place[] {
    return view.repository.attached.map((name) => placeOf(view.policy, view.repository, name));
  }

  /** Where a reference leads: to its bucket, and to the mirrors of that if there are any. */
  private referred(reference: Reference): Place[] {
    const bare = barePlace(reference.repository, reference.bucket);
    const view = this.viewOrNull();
    if (view === null) return [bare]; // reading needs no policy when the bucket is known
    if (reference.repository !== view.repository.name) {
      throw new RoutingError(`the reference is of repository '${reference.repository}', not '${view.repository.name}'`);
    }
    const places = this.places(view);
    const first = places.find((place) => place.bucket === reference.bucket) ?? bare;
    return view.repository.mode === "MIRROR" ? [first, ...places.filter((place) => place !== first)] : [first];
  }

  /** Rises with every write of this process; of two copies of a key the larger one is the newer. */
  private nextSeq(): bigint {
    this.fbseq = larger(this.fbseq + 1n, this.nowMs() * 1000n);
    return this.fbseq;
  }

  private remember(key: string): void {
    if (this.absent.size >= NEGATIVES) this.absent.clear();
    this.absent.set(key, this.clockMs() + NEGATIVE_MS);
  }

  private report(record: WriteRecord): void {
    this.count(record.outcome);
    for (const attempt of record.attempts) this.count(`try.${attempt.class ?? "stored"}`);
    const bucket = record.attempts[record.attempts.length - 1]?.bucket ?? "";
    for (const alarm of record.alarms) this.raise(alarm, { repository: record.repository, bucket });
    this.settings.onRecord?.(record);
  }

  private raise(name: string, told: Readonly<Record<string, string>>): void {
    this.count(`alarm.${name}`);
    this.settings.alarm?.(name, told);
  }

  private count(name: string): void {
    this.own.set(name, (this.own.get(name) ?? 0) + 1);
  }
}
