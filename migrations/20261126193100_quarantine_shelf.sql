-- Whether the stored bytes are all of the message, so that a later program may read them, or only what its server gave.
ALTER TABLE quarantine ADD COLUMN whole boolean NOT NULL DEFAULT false;
UPDATE quarantine SET whole = true
WHERE reason LIKE 'The database refused it: %' OR reason LIKE 'it holds %' OR reason LIKE 'it nests %'
   OR reason = 'the parser failed on it';

-- Somebody has seen it and needs no more of it. It stays what it is.
ALTER TABLE quarantine ADD COLUMN dismissed_at timestamptz;
