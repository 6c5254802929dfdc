-- What the owner of a Telegram account chooses.
ALTER TABLE telegram_accounts
    ADD COLUMN takes_groups boolean NOT NULL DEFAULT true,
    ADD COLUMN takes_channels boolean NOT NULL DEFAULT false,
    ADD COLUMN takes_bots boolean NOT NULL DEFAULT false,
    ADD COLUMN history_days integer NOT NULL DEFAULT 30 CHECK (history_days BETWEEN 0 AND 65535),
    ADD COLUMN mark_read boolean NOT NULL DEFAULT true,
    -- Files up to so many bytes are fetched as they come.
    ADD COLUMN file_limit bigint NOT NULL DEFAULT 10485760 CHECK (file_limit >= 0),
    ADD COLUMN proxy_host text CHECK (proxy_host <> ''),
    ADD COLUMN proxy_port integer CHECK (proxy_port BETWEEN 1 AND 65535),
    ADD COLUMN proxy_user text,
    ADD CHECK ((proxy_host IS NULL) = (proxy_port IS NULL));
