-- Rows of a page's size instead of four pieces in a table of their own: untouched bytes come in chunks that fit a page
-- (larger ones of older programs stay readable), and a text of usual length stands in its row as it is.
ALTER TABLE raw_messages SET (toast_tuple_target = 8160);
ALTER TABLE messages SET (toast_tuple_target = 4080);
-- A summary changes with every message: room for its next version beside it spares the indexes.
ALTER TABLE conversations SET (fillfactor = 80);

-- Facts are written in the order of time and looked up by it once an hour.
DROP INDEX journal_by_age;
CREATE INDEX journal_by_age ON journal USING brin (at);

-- The planner needs no statistics of what no query compares, and few of what every query names in full. A sample for
-- them would read the whole of a table that is being filled.
ALTER TABLE raw_messages
    ALTER account_id SET STATISTICS 1, ALTER message_id SET STATISTICS 1, ALTER chunk SET STATISTICS 1,
    ALTER bytes SET STATISTICS 0;
ALTER TABLE messages
    ALTER account_id SET STATISTICS 10, ALTER id SET STATISTICS 10, ALTER conversation_id SET STATISTICS 10,
    ALTER kind SET STATISTICS 10, ALTER direction SET STATISTICS 10, ALTER author_name SET STATISTICS 0,
    ALTER author_address SET STATISTICS 0, ALTER recipients_to SET STATISTICS 0, ALTER recipients_cc SET STATISTICS 0,
    ALTER recipients_reply_to SET STATISTICS 0, ALTER subject SET STATISTICS 0, ALTER body_text SET STATISTICS 0,
    ALTER has_html SET STATISTICS 0, ALTER rfc_message_id SET STATISTICS 0, ALTER sent_at SET STATISTICS 0,
    ALTER sent_offset SET STATISTICS 0, ALTER received_at SET STATISTICS 10, ALTER arrived_at SET STATISTICS 0,
    ALTER stored_at SET STATISTICS 0, ALTER seen SET STATISTICS 10, ALTER answered SET STATISTICS 0,
    ALTER file_count SET STATISTICS 0, ALTER size SET STATISTICS 0, ALTER sha256 SET STATISTICS 10,
    ALTER edited_at SET STATISTICS 0, ALTER deleted_at SET STATISTICS 10;
