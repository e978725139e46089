-- Whose mail it is. One file for both engines, see 0001.

-- Mails that had to wait for a person: what they are, for those who decide, and what was decided last. Where such a mail stands says its
-- inbound row (held, done, ignored).
CREATE TABLE held_mails (
    inbound_id {{int}} PRIMARY KEY REFERENCES inbound (id),
    -- Why (store::held_mails::HeldWhy).
    why TEXT NOT NULL,
    -- As whom it would speak; NULL = as a stranger.
    person_id {{int}} REFERENCES persons (id),
    -- Where it would open a discussion; where it belongs to one, inbound.discussion_id says so.
    project_id {{int}} NOT NULL REFERENCES projects (id),
    from_address TEXT NOT NULL,
    from_name TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- What it says, shortened; the raw mail has the whole.
    words TEXT NOT NULL,
    -- How many files came with it.
    files {{int}} NOT NULL,
    -- accepted or dismissed; NULL = nothing yet, or taken back.
    decision TEXT,
    decided_by {{int}} REFERENCES persons (id),
    decided_at {{int}},
    -- Whether the decision made the address the person's.
    linked {{int}} NOT NULL DEFAULT 0
){{strict}};
CREATE INDEX held_mails_project ON held_mails (project_id);
CREATE INDEX inbound_discussion ON inbound (discussion_id) WHERE discussion_id IS NOT NULL;

-- Mails that were held before this are looked at again: whoever decides sees what they are.
UPDATE inbound SET status = 'received', attempts = 0, note = NULL WHERE status = 'held' AND inbox LIKE 'mail/%';

-- The address that a mail came from, where it was not known as its author's.
ALTER TABLE posts ADD COLUMN from_address TEXT;
CREATE INDEX posts_from_address ON posts (discussion_id) WHERE from_address IS NOT NULL;
-- How much somebody has written of late.
CREATE INDEX posts_mails_of_person ON posts (person_id, recorded_at) WHERE source = 'email';

-- Since when mail to the address comes back, and what its server said; NULL = it does not.
ALTER TABLE identities ADD COLUMN bounced_at {{int}};
ALTER TABLE identities ADD COLUMN bounce TEXT;
CREATE INDEX identities_bounced ON identities (person_id) WHERE bounced_at IS NOT NULL;
