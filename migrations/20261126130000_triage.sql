-- Whose turn it is with a conversation, and who takes care of it. Kept in the transaction of the messages: a new one
-- of the customer opens what was put aside.
ALTER TABLE conversations
    ADD COLUMN triage text NOT NULL DEFAULT 'open' CHECK (triage IN ('open', 'pending', 'done')),
    -- The name of somebody in the bureau; names are kept in the settings until desktops share a server.
    ADD COLUMN assignee text CHECK (assignee <> '');

-- What waits for the bureau: open, with the customer's last word. The list walks it from its oldest on.
DROP INDEX conversations_waiting;
CREATE INDEX conversations_waiting ON conversations (last_at, account_id, id)
    WHERE merged_into IS NULL AND triage = 'open' AND last_direction = 'in';
CREATE INDEX conversations_unassigned ON conversations (last_at DESC, account_id DESC, id DESC)
    WHERE merged_into IS NULL AND triage <> 'done' AND assignee IS NULL;
CREATE INDEX conversations_assigned ON conversations (assignee, last_at DESC, account_id DESC, id DESC)
    WHERE merged_into IS NULL AND triage <> 'done' AND assignee IS NOT NULL;
CREATE INDEX conversations_done ON conversations (last_at DESC, account_id DESC, id DESC)
    WHERE merged_into IS NULL AND triage = 'done';

-- An older program would leave a customer's new message behind "done".
UPDATE bureau SET min_client = 5;
