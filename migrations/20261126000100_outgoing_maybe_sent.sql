-- A try began whose end was not seen, or whose answer was lost: from then on no later refusal proves that the text was
-- not sent.
ALTER TABLE outgoing ADD COLUMN maybe_sent boolean NOT NULL DEFAULT false;
UPDATE outgoing SET maybe_sent = true WHERE state IN ('sending', 'uncertain');
