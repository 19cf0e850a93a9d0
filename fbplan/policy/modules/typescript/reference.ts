// Where an object was placed, as text that is stored beside the data: `fbref1:REPOSITORY/BUCKET/KEY;v=ETAG`.

const REFERENCE = new RegExp(
  "^fbref1:([A-Za-z0-9][A-Za-z0-9_-]{0,62})/([A-Za-z0-9][A-Za-z0-9_-]{0,62})" +
    "/((?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+)(?:;v=((?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+))?$",
);

/** The text is no placement reference. */
export class NotAReference extends Error {
  override readonly name = "NotAReference";
}

/** The repository, the bucket and the key of an object, and its version if the store named one. */
export class Reference {
  readonly repository: string;
  readonly bucket: string;
  readonly key: string;
  readonly etag: string | null;

  constructor(repository: string, bucket: string, key: string, etag: string | null = null) {
    this.repository = repository;
    this.bucket = bucket;
    this.key = key;
    this.etag = etag;
  }

  toString(): string {
    const version = this.etag === null || this.etag === "" ? "" : `;v=${encoded(this.etag)}`;
    return `fbref1:${this.repository}/${this.bucket}/${encoded(this.key)}${version}`;
  }

  /** The reference that `text` is. Throws NotAReference. */
  static parse(text: string): Reference {
    const found = REFERENCE.exec(text);
    if (found === null) {
      throw new NotAReference(`'${text.slice(0, 80)}' is no placement reference: fbref1:REPOSITORY/BUCKET/KEY;v=ETAG`);
    }
    const [, repository = "", bucket = "", key = "", etag] = found;
    try {
      return new Reference(repository, bucket, decodeURIComponent(key), etag === undefined ? null : decodeURIComponent(etag));
    } catch {
      throw new NotAReference(`'${text.slice(0, 80)}' holds a key that is not UTF-8`);
    }
  }
}

/** The reference that is meant, null where it is a key. Throws NotAReference, and RangeError for an empty key. */
function referenceIn(where: string | Reference): Reference | null {
  if (where instanceof Reference) {
    required(where.key);
    return where;
  }
  if (where.startsWith("fbref1:")) return Reference.parse(where);
  required(where);
  return null;
}

/** Throws RangeError for an empty key: a request for it would be one for the bucket, and return its listing. */
function required(key: string): void {
  if (key === "") throw new RangeError("the key is empty: name an object; router.list() tells the keys that are there");
}

/** Percent-encoded but for letters, digits and `-._~`, slashes too. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}
