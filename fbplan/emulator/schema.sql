CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE account (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, last_name TEXT NOT NULL,
  org_role INTEGER NOT NULL
);
CREATE TABLE refresh_token (digest TEXT PRIMARY KEY, user_id TEXT NOT NULL, expires_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE workspace (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created_at TEXT NOT NULL, deleted_at TEXT
);
CREATE TABLE member (workspace_id TEXT NOT NULL, user_id TEXT NOT NULL, role TEXT NOT NULL, PRIMARY KEY (workspace_id, user_id));
CREATE TABLE credential (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, workspace_id TEXT NOT NULL, provider TEXT NOT NULL, key TEXT NOT NULL,
  endpoint TEXT, region TEXT, tenant_id TEXT, subscription_id TEXT, description TEXT, created_at TEXT NOT NULL
);
CREATE TABLE bucket (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, bucket TEXT NOT NULL, storage_type TEXT NOT NULL,
  key TEXT, envelope TEXT, endpoint TEXT, region TEXT, workspace_id TEXT NOT NULL, wallet_address TEXT, credential_id TEXT,
  status TEXT NOT NULL, created_at TEXT NOT NULL, deleted_at TEXT
);
CREATE INDEX bucket_name ON bucket (name);
CREATE INDEX bucket_bucket ON bucket (bucket);
CREATE INDEX bucket_credential ON bucket (credential_id) WHERE credential_id IS NOT NULL;
CREATE TABLE repository (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, storage_type TEXT NOT NULL, mode TEXT NOT NULL,
  workspace_id TEXT NOT NULL, wallet_address TEXT, ai_llms TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, deleted_at TEXT
);
CREATE INDEX repository_name ON repository (name);
CREATE TABLE attachment (
  seq INTEGER PRIMARY KEY, repo_id TEXT NOT NULL, bucket_id TEXT NOT NULL, folder TEXT NOT NULL, master INTEGER NOT NULL
);
CREATE INDEX attachment_repo ON attachment (repo_id);
CREATE INDEX attachment_bucket ON attachment (bucket_id);
CREATE TABLE repo_key (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, repo_id TEXT NOT NULL, name TEXT NOT NULL, access_type TEXT NOT NULL,
  key TEXT NOT NULL, created_at TEXT NOT NULL, public_key TEXT
);
CREATE INDEX repo_key_repo ON repo_key (repo_id);
CREATE TABLE usage (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, bucket_id TEXT NOT NULL, repo_id TEXT, host TEXT NOT NULL, requests INTEGER NOT NULL,
  upl_bytes INTEGER NOT NULL, dwl_bytes INTEGER NOT NULL, size_change INTEGER NOT NULL
);
CREATE INDEX usage_bucket ON usage (bucket_id);
CREATE INDEX usage_repo ON usage (repo_id);
CREATE TABLE event (
  id INTEGER PRIMARY KEY, at TEXT NOT NULL, context TEXT NOT NULL, event TEXT NOT NULL, context_id TEXT NOT NULL,
  user_id TEXT NOT NULL, workspace_id TEXT
);
