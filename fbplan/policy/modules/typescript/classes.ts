// What the answer of a store means: a class by (status, code), never by the text of a message.

type AnswerClass = "quota" | "quota_suspect" | "throttle" | "transient" | "auth" | "clock" | "request";

const CODES = new Map<string, AnswerClass>([
  ["QUOTA_EXCEEDED", "quota"],
  ["QuotaExceeded", "quota"],
  ["InsufficientStorage", "quota"],
  ["RequestTimeTooSkewed", "clock"],
  ["AccessDenied", "auth"],
  ["InvalidAccessKeyId", "auth"],
  ["SignatureDoesNotMatch", "auth"],
  ["AuthenticationFailed", "auth"],
  // Azure Blob and the JSON API of GCS, of a key without the right to do this
  ["AuthorizationFailure", "auth"],
  ["AuthorizationPermissionMismatch", "auth"],
  ["InsufficientAccountPermissions", "auth"],
  ["forbidden", "auth"],
  ["SlowDown", "throttle"],
  ["ServerBusy", "throttle"],
  ["TooManyRequests", "throttle"],
  // S3 sends this with status 400 when a body did not arrive in time
  ["RequestTimeout", "transient"],
]);
const STATUSES = new Map<number, AnswerClass>([
  [507, "quota"],
  [401, "auth"],
  [429, "throttle"],
  [408, "transient"],
  [403, "quota_suspect"],
]);
const EXISTS = new Set(["PreconditionFailed", "BlobAlreadyExists", "conditionNotMet"]);

/**
 * The class of an answer that is no success; status 0 is no answer at all.
 * A code says more than a status: a 429 with the code QUOTA_EXCEEDED is quota, a 403 with AccessDenied is auth.
 */
export function classify(status: number, code: string): AnswerClass {
  return CODES.get(code) ?? STATUSES.get(status) ?? (status === 0 || status >= 500 ? "transient" : "request");
}

/** Whether a write-once put was refused because the key is there: S3 and GCS say 412, Blob 409 with a code. */
function saysExists(status: number, code: string): boolean {
  return status === 412 || EXISTS.has(code);
}
