-- One row that stands for the bureau and says which programs may use this schema.
-- A program older than `min_client` must not touch it; a newer schema alone is no reason to refuse.
CREATE TABLE bureau (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    min_client integer NOT NULL DEFAULT 1 CHECK (min_client > 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO bureau DEFAULT VALUES;
