-- Facts that chats brought.
ALTER TABLE journal DROP CONSTRAINT journal_kind_check;
ALTER TABLE journal ADD CONSTRAINT journal_kind_check CHECK (kind IN (
    'message_stored', 'message_marked', 'message_gone', 'message_edited', 'conversation_changed',
    'conversation_merged', 'outgoing_changed', 'account_added', 'account_changed', 'account_removed',
    'account_state_changed'));
