-- A person may be several contacts: one for each network. Somebody who says so links them; each keeps its handles, so
-- that the link can be undone. Links have one level: what others are the same as is the same as nobody.
ALTER TABLE contacts
    ADD COLUMN same_as uuid REFERENCES contacts (id) ON DELETE SET NULL,
    ADD CHECK (same_as <> id);
CREATE INDEX contacts_same_as ON contacts (same_as) WHERE same_as IS NOT NULL;
CREATE INDEX contacts_by_name ON contacts (lower(name)) WHERE name <> '';
CREATE INDEX conversations_of_contact ON conversations (contact_id, last_at DESC)
    WHERE merged_into IS NULL AND contact_id IS NOT NULL;
CREATE INDEX messages_with_files ON messages (account_id, conversation_id, received_at DESC, id DESC)
    WHERE file_count > 0;
