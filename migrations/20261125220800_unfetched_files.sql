-- Small files are fetched as they come: what is still to be fetched is found without reading what is here.
CREATE INDEX attachments_unfetched ON attachments (account_id, id) WHERE sha256 IS NULL AND replaced_at IS NULL;
