// What can go wrong for a service that writes and reads through the chooser.
//
// RoutingError
// ├── NoPolicy             no policy was ever good: nothing is written
// ├── WriteFailed          a write that was not made; carries its decision record
// │   ├── ReadOnly         no bucket takes the write now; says when to ask again
// │   ├── NotStored        every way was tried; the record lists the attempts
// │   ├── Refused          the store refuses the request, whatever the bucket
// │   │   └── CredentialsRefused   the key, or the clock, also after the credentials were loaded again
// │   └── AlreadyExists    the key was written before, perhaps with the same content; `overwrite` replaces it
// ├── NotFound             every bucket said that the key is not there
// └── Unavailable          not found, but not every bucket could be asked

export class RoutingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

export class NoPolicy extends RoutingError {}

export class NotFound extends RoutingError {}

/** `buckets` maps each one that gave no answer to the reason. */
export class Unavailable extends RoutingError {
  readonly buckets: Readonly<Record<string, string>>;

  constructor(message: string, buckets: Readonly<Record<string, string>>) {
    super(message);
    this.buckets = buckets;
  }
}

export class WriteFailed extends RoutingError {
  readonly record: WriteRecord;

  constructor(record: WriteRecord) {
    super(why(record).split("\n", 1)[0] ?? "");
    this.record = record;
  }

  /** The record, told. */
  get why(): string {
    return why(this.record);
  }
}

export class ReadOnly extends WriteFailed {
  /** When asking again makes sense, in Unix milliseconds. */
  get retryAtMs(): number | null {
    const found = this.record.retry_at_ms;
    return found === null ? null : Number(found);
  }

  /** The same in RFC 3339. */
  get retryAt(): string | null {
    const found = this.record.retry_at_ms;
    return found === null ? null : stampOf(BigInt(found));
  }

  /** Bucket → the rule that closes it. */
  get reasons(): Readonly<Record<string, Rule>> {
    const last = this.record.decisions[this.record.decisions.length - 1];
    return Object.fromEntries((last?.candidates ?? []).map((candidate) => [candidate.bucket, candidate.rule]));
  }
}

export class NotStored extends WriteFailed {}

export class Refused extends WriteFailed {}

export class CredentialsRefused extends Refused {}

export class AlreadyExists extends WriteFailed {}

/** The error for a record of a write that was not stored. */
function faultOf(record: WriteRecord): WriteFailed {
  switch (record.outcome) {
    case "read_only":
      return new ReadOnly(record);
    case "exists":
      return new AlreadyExists(record);
    case "refused":
      return record.rule === "8.auth" || record.rule === "8.clock" ? new CredentialsRefused(record) : new Refused(record);
    default:
      return new NotStored(record);
  }
}
