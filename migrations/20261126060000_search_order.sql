-- The last entry of the queue that a message was indexed for: who took an earlier one and is slower writes nothing.
ALTER TABLE message_search ADD COLUMN queued bigint NOT NULL DEFAULT 0;
