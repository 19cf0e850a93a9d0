CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- A container is what stands at the provider: it outlives registrations, and two of them may point to it.
CREATE TABLE object (
  container TEXT NOT NULL, key TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
  modified REAL NOT NULL, headers TEXT NOT NULL, checksums TEXT NOT NULL, PRIMARY KEY (container, key)
) WITHOUT ROWID;
CREATE TABLE upload (
  id TEXT PRIMARY KEY, container TEXT NOT NULL, key TEXT NOT NULL, headers TEXT NOT NULL, begun REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE part (
  upload_id TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
  modified REAL NOT NULL, PRIMARY KEY (upload_id, number)
) WITHOUT ROWID;
-- What passed and does not show in the statistics yet.
CREATE TABLE traffic (
  id TEXT PRIMARY KEY DEFAULT (hex(randomblob(8))), at REAL NOT NULL, bucket_id TEXT NOT NULL, repo_id TEXT NOT NULL,
  upl_bytes INTEGER NOT NULL, dwl_bytes INTEGER NOT NULL, size_change INTEGER NOT NULL
);
CREATE INDEX traffic_at ON traffic (at);
-- What passed, per month of the emulator's clock: what credit is counted by, without the lag of the statistics.
CREATE TABLE tally (
  bucket_id TEXT NOT NULL, month TEXT NOT NULL, upl_bytes INTEGER NOT NULL, size_change INTEGER NOT NULL,
  PRIMARY KEY (bucket_id, month)
) WITHOUT ROWID;
CREATE TABLE credit (
  bucket_id TEXT NOT NULL, meter TEXT NOT NULL, most INTEGER NOT NULL, status INTEGER NOT NULL, period TEXT NOT NULL,
  PRIMARY KEY (bucket_id, meter)
) WITHOUT ROWID;
