-- What the server says of an account's room and of connections, and when the backlog was last smaller than ever before in
-- this stretch.
ALTER TABLE account_status
    ADD COLUMN quota_used bigint CHECK (quota_used >= 0),
    ADD COLUMN quota_limit bigint CHECK (quota_limit >= 0),
    ADD COLUMN connections integer CHECK (connections >= 0),
    ADD COLUMN backlog bigint NOT NULL DEFAULT 0 CHECK (backlog >= 0),
    ADD COLUMN backlog_low bigint NOT NULL DEFAULT 0 CHECK (backlog_low >= 0),
    ADD COLUMN backlog_low_at timestamptz NOT NULL DEFAULT clock_timestamp();
