-- Texts that were not sent, or perhaps not: few, and counted with every row of the list.
CREATE INDEX outgoing_stuck ON outgoing (account_id, conversation_id) WHERE state IN ('failed', 'uncertain');
