-- By what an old system is known again before any of its conversations has come over whole: the keys of its oldest
-- conversations when it was first seen.
ALTER TABLE adopted_sources ADD COLUMN known_by text[] NOT NULL DEFAULT '{}';
