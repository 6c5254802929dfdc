-- A chat's past is not listed anew each time: up to this number nothing was missing, and only what came after is
-- compared. 0 where a folder is listed whole.
ALTER TABLE completeness ADD COLUMN whole_to bigint NOT NULL DEFAULT 0 CHECK (whole_to BETWEEN 0 AND 4294967295);
