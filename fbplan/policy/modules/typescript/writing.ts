// A put at work: the course of a write, with what it asks of the transport.

/** What a write needs of its router: the state, the time and chance. */
interface Desk {
  nowMs(): bigint;
  dice(): bigint;
  sleep(ms: number): Promise<void>;
  step(change: (state: State) => Step): Flight;
}

interface Write {
  readonly key: string;
  readonly body: Body;
  readonly metadata: Readonly<Record<string, string>>;
  readonly writeOnce: boolean;
  readonly options: Readonly<Record<string, unknown>>;
}

/** How a write ended; what it was stored as counts only if it was. */
interface Landed {
  readonly flight: Flight;
  readonly stored: Stored;
}

/** From the first action to the last. */
async function runWrite(desk: Desk, transport: Transport, begun: Flight, write: Write): Promise<Landed> {
  let flight = begun;
  let stored: Stored = { etag: null, answer: null };
  while (!isEnd(flight.action.does)) {
    const now = flight;
    const { does, bucket, ms } = now.action;
    const place = placeOf(now.view.policy, now.view.repository, bucket ?? "");
    const timeoutMs = timerMs(ms);
    switch (does) {
      case "try": {
        const { metadata, writeOnce, options } = write;
        const settings = { size: write.body.size, metadata, writeOnce, timeoutMs, options };
        const answer = await came(transport.put(place, write.key, write.body.open(), settings));
        if ("value" in answer) stored = answer.value;
        const said = answerOf("failure" in answer ? answer.failure : null, desk.dice());
        flight = desk.step((state) => told(state, now, desk.nowMs(), said));
        break;
      }
      case "head": {
        const answer = await came(transport.head(place, write.key, { timeoutMs }));
        const head = "value" in answer ? answer.value : null;
        stored = { etag: head?.etag ?? null, answer: null };
        const found = "failure" in answer && !isAbsent(answer.failure) ? "unknown" : compared(head, write);
        flight = desk.step((state) => settled(state, now, desk.nowMs(), found));
        break;
      }
      default:
        await (does === "reload" ? transport.reload() : desk.sleep(timeoutMs));
        flight = desk.step((state) => proceed(state, now, desk.nowMs()));
    }
  }
  return { flight, stored };
}

function answerOf(failure: TransportFailure | null, dice: bigint): Answer {
  if (failure === null) return { ...NO_ANSWER, status: 200 };
  const { status, code, retryAfterMs, wasSent } = failure;
  return { status, code, retryAfterMs: retryAfterMs === null ? null : BigInt(retryAfterMs), wasSent, dice };
}

/** What a HEAD says of a write whose outcome is not known. */
function compared(head: Head | null, write: Write): Found {
  if (head === null) return "absent";
  // what an overwrite finds there is what stood there before
  const other = write.writeOnce ? "different" : "absent";
  if (head.size !== write.body.size) return other;
  if (head.metadata["fbseq"] === write.metadata["fbseq"]) return "equal";
  const known = head.metadata["fbsha256"];
  if (known !== undefined && write.body.sha256 !== null) return known === write.body.sha256 ? "equal" : other;
  // a store that drops metadata may still name the MD5
  return (head.etag ?? "").replaceAll('"', "") === write.body.md5() ? "equal" : other;
}
