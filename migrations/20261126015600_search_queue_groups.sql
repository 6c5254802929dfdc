-- What waits for the search index, a group of messages a row: what is stored together is queued together.
ALTER TABLE search_queue RENAME TO search_queue_singles;
CREATE TABLE search_queue (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id uuid NOT NULL,
    -- May name messages that are deleted by now.
    message_ids uuid[] NOT NULL
);
INSERT INTO search_queue (account_id, message_ids)
SELECT account_id, array_agg(message_id) FROM (
    SELECT account_id, message_id, row_number() OVER (PARTITION BY account_id ORDER BY message_id) / 100 AS part
    FROM search_queue_singles) waiting
GROUP BY account_id, part;
DROP TABLE search_queue_singles;
