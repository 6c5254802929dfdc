-- A read mark of a forum concerns all its topics, whose names begin with the forum's.
CREATE INDEX conversations_topics ON conversations (account_id, remote_peer COLLATE "C") WHERE chat_kind = 'topic';
