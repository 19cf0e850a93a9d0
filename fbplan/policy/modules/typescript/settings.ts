// How a router is set up, and what is said of one put. The defaults are right for a service.

export interface Settings {
  /** Path of usage.json; without it this process counts its own bytes (`simple`). */
  readonly usage?: string;
  /** Needed when the policy has several. */
  readonly repository?: string;
  /** A name of this writer that no other has. */
  readonly writer?: string;
  /** Count own bytes on top of the usage file, instead of living on grants. */
  readonly simple?: boolean;
  /** A folder of this process, where good files are kept for the next start. */
  readonly lastGood?: string;
  readonly alarm?: Alarm;
  readonly onRecord?: (record: WriteRecord) => void;
  /** After a start wait for the next grants, because the process before it may have used its share of the present ones. */
  readonly cautiousStart?: boolean;
  /** Bytes of a stream that opens once which are held in memory. */
  readonly spoolLimit?: number;
  /** For tests. */
  readonly clockMs?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
  readonly dice?: () => number;
}

export interface PutOptions {
  /** Bytes of a stream, if known; needed for a long one that opens once. */
  readonly size?: number;
  /** A key is written once, unless this is set: then it goes to the bucket that holds the key. */
  readonly overwrite?: boolean;
  /** What reaches the adapter. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Where an object was placed. Store `String(reference)` beside your data: one request finds the object again. */
export interface Placement {
  readonly reference: Reference;
  readonly bucket: string;
  readonly record: WriteRecord;
  /** The SDK's own answer, if the adapter passes it on and the write was not settled by a HEAD. */
  readonly answer: unknown;
}
