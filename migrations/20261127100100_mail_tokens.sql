-- A mailbox signs in with a password, or with tokens (OAuth 2.0): the refresh token stands in the keyring under a name of
-- its own, so that an older program finds no password there and sends none.
ALTER TABLE email_accounts DROP CONSTRAINT email_accounts_auth_kind_check;
ALTER TABLE email_accounts ADD CONSTRAINT email_accounts_auth_kind_check CHECK (auth_kind IN ('password', 'xoauth2'));
