-- Nobody is told of new messages until then; the year 9999 is until a person says otherwise.
ALTER TABLE conversations ADD COLUMN muted_until timestamptz;
ALTER TABLE accounts ADD COLUMN muted boolean NOT NULL DEFAULT false;
