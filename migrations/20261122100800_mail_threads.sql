-- Which conversation a Message-ID belongs to, whether its mail is here or was only referred to.
CREATE TABLE mail_threads (
    account_id uuid NOT NULL,
    rfc_message_id text NOT NULL,
    conversation_id uuid NOT NULL,
    PRIMARY KEY (account_id, rfc_message_id),
    FOREIGN KEY (account_id, conversation_id) REFERENCES conversations (account_id, id) ON DELETE CASCADE
);
CREATE INDEX mail_threads_of_conversation ON mail_threads (account_id, conversation_id);
