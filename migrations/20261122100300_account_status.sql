-- What the listening program last said of each account, for programs beside it and for the last day's strip.
CREATE TABLE account_status (
    account_id uuid PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    state jsonb NOT NULL,
    since timestamptz NOT NULL,
    heard_at timestamptz,
    last_message_at timestamptz,
    lag_ms integer CHECK (lag_ms >= 0),
    last_error jsonb,
    last_error_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The worst state of each quarter of an hour: 1 paused, 2 live, 3 catching up, 4 retrying, 5 waits for a person.
CREATE TABLE account_history (
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    quarter timestamptz NOT NULL,
    worst smallint NOT NULL CHECK (worst BETWEEN 1 AND 5),
    PRIMARY KEY (account_id, quarter)
);
