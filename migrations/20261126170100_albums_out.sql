-- Files that go out together as one album share this number; two to ten of them. An older program sends each by itself.
ALTER TABLE outgoing ADD COLUMN album bigint;
CREATE INDEX outgoing_albums ON outgoing (account_id, album) WHERE album IS NOT NULL;
