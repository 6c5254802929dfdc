-- The bureau's own mailboxes and Telegram accounts. Secrets stand in the keyring, never here.
CREATE TABLE accounts (
    id uuid PRIMARY KEY,
    channel text NOT NULL CHECK (channel IN ('email', 'telegram')),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    code text NOT NULL CHECK (length(code) BETWEEN 1 AND 4),
    color smallint NOT NULL CHECK (color BETWEEN 1 AND 8),
    enabled boolean NOT NULL DEFAULT true,
    -- A removed account keeps its messages unless its owner asked for them to go.
    removed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE email_accounts (
    account_id uuid PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    address text NOT NULL CHECK (address LIKE '%_@_%'),
    imap_host text NOT NULL,
    imap_port integer NOT NULL CHECK (imap_port BETWEEN 1 AND 65535),
    imap_security text NOT NULL CHECK (imap_security IN ('tls', 'starttls', 'loopback_plain')),
    smtp_host text NOT NULL,
    smtp_port integer NOT NULL CHECK (smtp_port BETWEEN 1 AND 65535),
    smtp_security text NOT NULL CHECK (smtp_security IN ('tls', 'starttls', 'loopback_plain')),
    user_name text NOT NULL CHECK (user_name <> ''),
    auth_kind text NOT NULL DEFAULT 'password' CHECK (auth_kind IN ('password')),
    since timestamptz,
    ca_pem text,
    folders text[] NOT NULL DEFAULT '{}',
    write_flags boolean NOT NULL DEFAULT false
);

CREATE TABLE telegram_accounts (
    account_id uuid PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    phone text NOT NULL,
    api_id integer NOT NULL CHECK (api_id > 0),
    home_dc smallint CHECK (home_dc > 0),
    user_id bigint CHECK (user_id > 0)
);
