-- Texts that are written again and again; `{name}` and the like are filled in when one is used.
CREATE TABLE templates (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    -- Typed after a slash in the composer; in lower case.
    shortcut text CHECK (shortcut <> ''),
    body text NOT NULL CHECK (body <> ''),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX templates_shortcut ON templates (shortcut) WHERE shortcut IS NOT NULL;
