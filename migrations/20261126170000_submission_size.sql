-- How large a mail a mailbox's submission server takes (RFC 1870), in bytes, as it last said. NULL: it has not said.
ALTER TABLE email_accounts ADD COLUMN submission_size bigint CHECK (submission_size > 0);
