-- One file for both engines. {{id}}, {{int}}, {{strict}} and the blocks between "-- sqlite:", "-- postgres:" and "-- end" are
-- expanded at start (src/store/schema.rs). Times are microseconds since 1970 UTC; truth values are 0 and 1.
-- Never change this file once it has shipped: the checksum covers the expanded text.

CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL){{strict}};

-- The one counter behind every discussion's number. Its row is locked until the opening transaction ends, so numbers have no gaps.
CREATE TABLE counters (name TEXT PRIMARY KEY, value {{int}} NOT NULL){{strict}};
INSERT INTO counters (name, value) VALUES ('discussion', 0);

CREATE TABLE persons (
    id {{id}},
    name TEXT NOT NULL,
    is_admin {{int}} NOT NULL DEFAULT 0,
    password_hash TEXT,
    created_at {{int}} NOT NULL
){{strict}};

-- A LINE user id or a mail address belongs to one person.
CREATE TABLE identities (
    id {{id}},
    person_id {{int}} NOT NULL REFERENCES persons (id),
    channel TEXT NOT NULL,
    external_id TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    -- When the name was last asked for; NULL = never.
    named_at {{int}},
    UNIQUE (channel, external_id)
){{strict}};
CREATE INDEX identities_person ON identities (person_id);

CREATE TABLE api_tokens (
    id {{id}},
    person_id {{int}} NOT NULL REFERENCES persons (id),
    label TEXT NOT NULL,
    -- SHA-256 of the token, in hex; the token itself is shown once and kept nowhere.
    digest TEXT NOT NULL UNIQUE,
    created_at {{int}} NOT NULL,
    last_used_at {{int}}
){{strict}};

CREATE TABLE sessions (
    digest TEXT PRIMARY KEY,
    person_id {{int}} NOT NULL REFERENCES persons (id),
    created_at {{int}} NOT NULL,
    last_seen_at {{int}} NOT NULL,
    expires_at {{int}} NOT NULL
){{strict}};

CREATE TABLE projects (
    id {{id}},
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'active',
    created_at {{int}} NOT NULL
){{strict}};

CREATE TABLE members (
    project_id {{int}} NOT NULL REFERENCES projects (id),
    person_id {{int}} NOT NULL REFERENCES persons (id),
    role TEXT NOT NULL,
    PRIMARY KEY (project_id, person_id)
){{strict}};
CREATE INDEX members_person ON members (person_id);

-- An address, or @domain: whose mail belongs to which project.
CREATE TABLE email_senders (
    pattern TEXT PRIMARY KEY,
    project_id {{int}} NOT NULL REFERENCES projects (id)
){{strict}};

CREATE TABLE chats (
    id {{id}},
    inbox TEXT NOT NULL,
    external_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    project_id {{int}} NOT NULL REFERENCES projects (id),
    -- Whether a person bound it; 0 = its project was made for it.
    bound {{int}} NOT NULL DEFAULT 0,
    -- Heads that a push would be billed for, as LINE last said.
    member_count {{int}},
    named_at {{int}},
    last_event_at {{int}},
    left_at {{int}},
    UNIQUE (inbox, external_id)
){{strict}};
CREATE INDEX chats_project ON chats (project_id);

-- Who has been seen in a chat; left_at ends what being there allows.
CREATE TABLE chat_members (
    chat_id {{int}} NOT NULL REFERENCES chats (id),
    person_id {{int}} NOT NULL REFERENCES persons (id),
    seen_at {{int}} NOT NULL,
    left_at {{int}},
    PRIMARY KEY (chat_id, person_id)
){{strict}};

CREATE TABLE discussions (
    id {{id}},
    number {{int}} NOT NULL UNIQUE,
    project_id {{int}} NOT NULL REFERENCES projects (id),
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    assignee_id {{int}} REFERENCES persons (id),
    urgent {{int}} NOT NULL DEFAULT 0,
    -- The LINE chat that it is held in, if any: where its notices go.
    chat_id {{int}} REFERENCES chats (id),
    source TEXT NOT NULL,
    opened_at {{int}} NOT NULL,
    last_post_at {{int}} NOT NULL,
    -- Where its posts went; links to the old number lead there.
    merged_into {{int}} REFERENCES discussions (id)
){{strict}};
CREATE INDEX discussions_recent ON discussions (last_post_at, id);
CREATE INDEX discussions_project ON discussions (project_id, last_post_at);
CREATE INDEX discussions_chat ON discussions (chat_id, last_post_at);

-- Every event and mail as it arrived, before anything else was done with it.
CREATE TABLE inbound (
    id {{id}},
    inbox TEXT NOT NULL,
    -- webhookEventId or Message-ID: what arrives twice is kept once.
    external_id TEXT NOT NULL,
    received_at {{int}} NOT NULL,
    happened_at {{int}} NOT NULL,
    -- LINE: the event's own JSON. Mail: the SHA-256 of the raw mail in the file store.
    body TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'received',
    attempts {{int}} NOT NULL DEFAULT 0,
    due_at {{int}} NOT NULL,
    -- Why it was ignored or held.
    note TEXT,
    error TEXT,
    discussion_id {{int}} REFERENCES discussions (id),
    UNIQUE (inbox, external_id)
){{strict}};
CREATE INDEX inbound_waiting ON inbound (happened_at, id) WHERE status = 'received';

CREATE TABLE posts (
    id {{id}},
    discussion_id {{int}} NOT NULL REFERENCES discussions (id),
    person_id {{int}} REFERENCES persons (id),
    role TEXT NOT NULL,
    source TEXT NOT NULL,
    internal {{int}} NOT NULL DEFAULT 0,
    chat_id {{int}} REFERENCES chats (id),
    -- LINE's message id, or the mail's Message-ID.
    external_id TEXT,
    inbound_id {{int}} UNIQUE REFERENCES inbound (id),
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    -- The whole text of a mail, where the body is a part of it.
    whole TEXT,
    -- Why it is in its discussion, as JSON.
    evidence TEXT NOT NULL,
    created_at {{int}} NOT NULL,
    recorded_at {{int}} NOT NULL,
    edited_at {{int}},
    retracted_at {{int}}
){{strict}};
CREATE INDEX posts_discussion ON posts (discussion_id, created_at, id);
-- One post a LINE message, however many events bring it.
CREATE UNIQUE INDEX posts_line_message ON posts (chat_id, external_id) WHERE chat_id IS NOT NULL;
CREATE INDEX posts_mail ON posts (external_id) WHERE chat_id IS NULL;

-- Messages that were taken back: before their own event arrived, or while it waits.
CREATE TABLE unsent_messages (
    chat_id {{int}} NOT NULL REFERENCES chats (id),
    external_id TEXT NOT NULL,
    unsent_at {{int}} NOT NULL,
    PRIMARY KEY (chat_id, external_id)
){{strict}};

CREATE TABLE attachments (
    id {{id}},
    post_id {{int}} NOT NULL REFERENCES posts (id),
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size {{int}},
    sha256 TEXT,
    -- waiting, ready, withdrawn (LINE: gone), failed, external (not ours to fetch)
    status TEXT NOT NULL,
    inbox TEXT,
    message_id TEXT,
    attempts {{int}} NOT NULL DEFAULT 0,
    due_at {{int}} NOT NULL,
    error TEXT
){{strict}};
CREATE INDEX attachments_post ON attachments (post_id);
CREATE INDEX attachments_sha256 ON attachments (sha256);
CREATE INDEX attachments_waiting ON attachments (due_at) WHERE status = 'waiting';

-- Free answers that LINE lent us, a minute each.
CREATE TABLE reply_tokens (
    token TEXT PRIMARY KEY,
    chat_id {{int}} NOT NULL REFERENCES chats (id),
    received_at {{int}} NOT NULL,
    used_at {{int}}
){{strict}};
CREATE INDEX reply_tokens_fresh ON reply_tokens (chat_id, received_at) WHERE used_at IS NULL;

-- What the bot said in a chat, so that a quote of it finds its discussion.
CREATE TABLE sent_messages (
    chat_id {{int}} NOT NULL REFERENCES chats (id),
    external_id TEXT NOT NULL,
    discussion_id {{int}} NOT NULL REFERENCES discussions (id),
    PRIMARY KEY (chat_id, external_id, discussion_id)
){{strict}};

-- One message to one destination. Its body is frozen before the first try, so that a repeat is the same message.
CREATE TABLE deliveries (
    id {{id}},
    -- LINE's X-Line-Retry-Key and the left part of a mail's Message-ID.
    uuid TEXT NOT NULL UNIQUE,
    via TEXT NOT NULL,
    target TEXT NOT NULL,
    chat_id {{int}} REFERENCES chats (id),
    person_id {{int}} REFERENCES persons (id),
    discussion_id {{int}} REFERENCES discussions (id),
    body TEXT NOT NULL,
    reply_token TEXT,
    message_id TEXT,
    status TEXT NOT NULL,
    attempts {{int}} NOT NULL DEFAULT 0,
    -- Tries whose answer was lost: they may have arrived.
    unanswered {{int}} NOT NULL DEFAULT 0,
    last_error TEXT,
    due_at {{int}} NOT NULL,
    frozen_at {{int}} NOT NULL,
    sent_at {{int}}
){{strict}};
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE status = 'pending';
CREATE INDEX deliveries_message ON deliveries (message_id);
CREATE INDEX deliveries_person ON deliveries (discussion_id, person_id);

-- The promise to tell, made in the transaction of the fact that it tells.
CREATE TABLE notices (
    id {{id}},
    kind TEXT NOT NULL,
    discussion_id {{int}} REFERENCES discussions (id),
    post_id {{int}} REFERENCES posts (id),
    -- Exactly one of the two: a chat, or a person by mail.
    chat_id {{int}} REFERENCES chats (id),
    person_id {{int}} REFERENCES persons (id),
    status TEXT NOT NULL,
    -- Not before this.
    due_at {{int}} NOT NULL,
    -- For LINE: a push may be paid for it from here on.
    deadline_at {{int}} NOT NULL,
    reason TEXT,
    delivery_id {{int}} REFERENCES deliveries (id),
    created_at {{int}} NOT NULL
){{strict}};
CREATE INDEX notices_waiting ON notices (due_at) WHERE status = 'pending' AND delivery_id IS NULL;
CREATE INDEX notices_chat ON notices (chat_id) WHERE status = 'pending' AND delivery_id IS NULL;
CREATE INDEX notices_discussion ON notices (discussion_id);
CREATE INDEX notices_delivery ON notices (delivery_id);

-- How far a mailbox has been read.
CREATE TABLE mailbox_places (
    inbox TEXT PRIMARY KEY,
    uid_validity {{int}} NOT NULL,
    last_uid {{int}} NOT NULL
){{strict}};

-- What one node at a time may do (reading a mailbox), until when.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until {{int}} NOT NULL
){{strict}};
