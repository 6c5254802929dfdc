-- A chat's file stands on the network's servers until it is fetched: its hash is known only then.
ALTER TABLE attachments
    ALTER COLUMN sha256 DROP NOT NULL,
    ADD COLUMN media_kind text CHECK (media_kind IN ('photo', 'video', 'video_note', 'voice', 'audio', 'animation',
                                                     'sticker', 'document')),
    ADD COLUMN width integer CHECK (width >= 0),
    ADD COLUMN height integer CHECK (height >= 0),
    ADD COLUMN duration_ms integer CHECK (duration_ms >= 0),
    ADD COLUMN waveform bytea,
    ADD COLUMN thumbnail bytea CHECK (length(thumbnail) <= 65536),
    -- The connector's own words, by which it fetches the file.
    ADD COLUMN remote jsonb,
    -- An edit put another file in its place.
    ADD COLUMN replaced_at timestamptz,
    ADD CHECK (sha256 IS NOT NULL OR remote IS NOT NULL);
