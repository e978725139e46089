-- The notifier's accounts: what a delivery cost, and which notices wait for a digest. One file for both engines, see 0001.

-- People that the delivery was billed for: members of the chat for a push, 0 for everything else.
ALTER TABLE deliveries ADD COLUMN heads {{int}} NOT NULL DEFAULT 0;
UPDATE deliveries SET heads = COALESCE((SELECT c.member_count FROM chats c WHERE c.id = deliveries.chat_id), 1) WHERE via = 'line-push';

-- 1 = it travels with everything else that its person is to be told by then, not in a mail of its discussion's own.
ALTER TABLE notices ADD COLUMN digest {{int}} NOT NULL DEFAULT 0;
