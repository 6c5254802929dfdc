-- A message of the same account that is passed on as it is: Telegram keeps whose it was. Its text stays empty: an older
-- program, which would send it as words of our own, is refused by Telegram.
ALTER TABLE outgoing
    -- Where what is passed on stands.
    ADD COLUMN forward_mailbox text,
    ADD COLUMN forward_number bigint CHECK (forward_number > 0),
    -- Without its author's name.
    ADD COLUMN forward_nameless boolean NOT NULL DEFAULT false,
    -- Whose it is and what it says, shown while it is on its way.
    ADD COLUMN forward_author text,
    ADD COLUMN forward_words text,
    ADD CHECK ((forward_mailbox IS NULL) = (forward_number IS NULL)),
    ADD CHECK (forward_mailbox IS NULL OR body_text = '' AND forward_author IS NOT NULL AND forward_words IS NOT NULL);
