-- What reading a mailbox remembers on its way.

-- The first look at a mailbox, as long as it is not over: its last UID, and the time from which on read mails are taken too
-- (NULL = all of them).
ALTER TABLE mailbox_places ADD COLUMN look_to {{int}};
ALTER TABLE mailbox_places ADD COLUMN look_since {{int}};
