-- Which message stands for a conversation in a list: the latest that somebody wrote, a call, or what asks for something. A
-- service line of another kind does so only where there is nothing else. `direction` tells whose turn it is after it: ours
-- where `in`; `line` is the kind of a service line, in the words of `last_media`.
CREATE FUNCTION latest_message(of_account uuid, of_conversation uuid)
RETURNS TABLE (id uuid, received_at timestamptz, direction text, kind text, author_name text, body_text text, line text)
LANGUAGE sql STABLE AS $$
    (SELECT m.id, m.received_at, CASE s.service ->> 'kind' WHEN 'call' THEN 'out' ELSE m.direction END, m.kind,
            m.author_name, m.body_text, s.service ->> 'kind'
     FROM messages m
     LEFT JOIN chat_messages s ON m.kind = 'service' AND s.account_id = m.account_id AND s.message_id = m.id
     WHERE m.account_id = of_account AND m.conversation_id = of_conversation
       AND (m.kind <> 'service' OR s.service ->> 'kind' IN ('call', 'missed_call', 'secret_chat'))
     ORDER BY m.received_at DESC, m.id DESC LIMIT 1)
    UNION ALL
    (SELECT m.id, m.received_at, 'out', m.kind, m.author_name, m.body_text, 'service'
     FROM messages m
     WHERE m.account_id = of_account AND m.conversation_id = of_conversation
     ORDER BY m.received_at DESC, m.id DESC LIMIT 1)
    LIMIT 1
$$;

-- Until now the latest message was the latest line of any kind. What another program stores meanwhile waits.
LOCK TABLE messages, conversations IN SHARE ROW EXCLUSIVE MODE;
UPDATE conversations c SET
    last_message_id = l.id, last_at = l.received_at, last_direction = l.direction,
    last_unreadable = l.kind = 'unreadable',
    last_author = CASE WHEN c.chat_kind IN ('group', 'supergroup', 'topic') AND l.direction = 'in' THEN l.author_name ELSE '' END,
    last_media = coalesce(
        l.line,
        (SELECT max(a.media_kind) FROM attachments a WHERE a.account_id = l.account_id AND a.message_id = l.id AND a.replaced_at IS NULL),
        (SELECT s.media ->> 'kind' FROM chat_messages s
         WHERE s.account_id = l.account_id AND s.message_id = l.id AND s.media ->> 'kind' <> 'web_page')),
    snippet = CASE WHEN l.id = c.last_message_id THEN c.snippet
                   ELSE left(btrim(regexp_replace(l.body_text, '\s+', ' ', 'g')), 200) END
FROM (SELECT o.account_id, o.id AS conversation_id, latest.* FROM conversations o
      JOIN messages line ON line.account_id = o.account_id AND line.id = o.last_message_id AND line.kind = 'service'
      CROSS JOIN LATERAL latest_message(o.account_id, o.id) latest
      WHERE o.merged_into IS NULL) l
WHERE c.account_id = l.account_id AND c.id = l.conversation_id;
