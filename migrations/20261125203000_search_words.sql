-- The words of a text are parted as those of a query are: what was indexed before is indexed anew, behind the road.
INSERT INTO search_queue (account_id, message_id) SELECT account_id, message_id FROM message_search
ON CONFLICT DO NOTHING;
