-- A voice that was recorded here goes out as one: how long it is, and its loudness as Telegram packs it. An older program
-- sends it as a file.
ALTER TABLE outgoing_files
    ADD COLUMN voice_ms integer CHECK (voice_ms >= 0),
    ADD COLUMN waveform bytea CHECK (octet_length(waveform) <= 100),
    ADD CONSTRAINT outgoing_files_voice CHECK ((voice_ms IS NULL) = (waveform IS NULL));
