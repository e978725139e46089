-- What LINE tells of a group beside its texts. One file for both engines, see 0001.

-- What the text consists of beside its characters (mentions, LINE emoji), the sticker, the place: JSON (domain::Details).
ALTER TABLE posts ADD COLUMN details TEXT;
-- LINE's id of a set of pictures sent together: one post, however many messages bring it.
ALTER TABLE posts ADD COLUMN image_set TEXT;
CREATE UNIQUE INDEX posts_image_set ON posts (chat_id, image_set) WHERE image_set IS NOT NULL;

-- The LINE message that it quotes, in the record or not (yet): whatever order the two arrive in, they meet.
ALTER TABLE posts ADD COLUMN quotes TEXT;
CREATE INDEX posts_quotes ON posts (chat_id, quotes) WHERE quotes IS NOT NULL;
-- An edit stands for a message that has not arrived (yet).
ALTER TABLE posts ADD COLUMN edit_only {{int}} NOT NULL DEFAULT 0;
-- The LINE message that an event was about: taken back, nothing of the event's words stays.
ALTER TABLE inbound ADD COLUMN message_id TEXT;
CREATE INDEX inbound_message ON inbound (message_id) WHERE message_id IS NOT NULL;

-- Every wording of a post that was edited, the first and the newest among them, by LINE's time of the event.
CREATE TABLE post_versions (
    post_id {{int}} NOT NULL REFERENCES posts (id),
    at {{int}} NOT NULL,
    body TEXT NOT NULL,
    details TEXT,
    PRIMARY KEY (post_id, at)
){{strict}};

-- The place in a set of pictures, from 1; 0 = as they came.
ALTER TABLE attachments ADD COLUMN position {{int}} NOT NULL DEFAULT 0;
-- A small picture of it, in the file store.
ALTER TABLE attachments ADD COLUMN thumbnail_sha256 TEXT;
-- Of the picture as people see it (EXIF rotation applied), in pixels.
ALTER TABLE attachments ADD COLUMN width {{int}};
ALTER TABLE attachments ADD COLUMN height {{int}};
-- Whether a small picture was made or given up; NULL = to be made.
ALTER TABLE attachments ADD COLUMN thumbnail_at {{int}};
-- Not before this, and how often it was tried: a try is counted before it is made, so that what ends the program is not tried for ever.
ALTER TABLE attachments ADD COLUMN thumbnail_due_at {{int}} NOT NULL DEFAULT 0;
ALTER TABLE attachments ADD COLUMN thumbnail_attempts {{int}} NOT NULL DEFAULT 0;
CREATE INDEX attachments_without_thumbnail ON attachments (thumbnail_due_at) WHERE status = 'ready' AND thumbnail_at IS NULL;
CREATE INDEX attachments_thumbnail ON attachments (thumbnail_sha256) WHERE thumbnail_sha256 IS NOT NULL;
-- What a person should look at.
CREATE INDEX inbound_troubled ON inbound (status, id) WHERE status IN ('held', 'failed');
CREATE INDEX attachments_message ON attachments (message_id);

-- When the account came into a chat (present = 1) and when it was removed (0): between the two lies a gap in the record.
CREATE TABLE chat_presence (
    chat_id {{int}} NOT NULL REFERENCES chats (id),
    at {{int}} NOT NULL,
    present {{int}} NOT NULL,
    PRIMARY KEY (chat_id, at, present)
){{strict}};

-- When a chat's record began, and what was said after the account was thought to be gone.
CREATE INDEX posts_chat ON posts (chat_id, created_at) WHERE chat_id IS NOT NULL;

-- Times in which events may have been lost: shown as gaps in the record.
CREATE TABLE outages (
    id {{id}},
    inbox TEXT NOT NULL,
    -- NULL: every chat of the inbox.
    chat_id {{int}} REFERENCES chats (id),
    -- stopped (we did not run), refused (we could not keep what LINE sent), inactive (LINE sends nothing), unplaced (an event could not be read)
    kind TEXT NOT NULL,
    began_at {{int}} NOT NULL,
    ended_at {{int}},
    UNIQUE (inbox, chat_id, kind, began_at)
){{strict}};

-- Names that somebody bore, from when; the newest is identities.name.
CREATE TABLE identity_names (
    identity_id {{int}} NOT NULL REFERENCES identities (id),
    since {{int}} NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (identity_id, since)
){{strict}};
ALTER TABLE identities ADD COLUMN picture_url TEXT;
ALTER TABLE identities ADD COLUMN picture_sha256 TEXT;
-- When the picture at picture_url is to be fetched; NULL = it was, or there is none.
ALTER TABLE identities ADD COLUMN picture_due_at {{int}};
CREATE INDEX identities_picture_due ON identities (picture_due_at) WHERE picture_due_at IS NOT NULL;
-- Whether the name is one that people of ours gave; otherwise it follows the network's.
ALTER TABLE persons ADD COLUMN name_given {{int}} NOT NULL DEFAULT 0;

-- Whether a LINE user is a friend of an account: only then a push into their own chat arrives.
CREATE TABLE friends (
    inbox TEXT NOT NULL,
    person_id {{int}} NOT NULL REFERENCES persons (id),
    followed_at {{int}},
    blocked_at {{int}},
    PRIMARY KEY (inbox, person_id)
){{strict}};

-- When LINE said that somebody came; who was there before has none.
ALTER TABLE chat_members ADD COLUMN joined_at {{int}};
-- When LINE is to be asked about them again: still there, by which name, with which picture. NULL = once they are seen again.
ALTER TABLE chat_members ADD COLUMN check_at {{int}};
UPDATE chat_members SET check_at = seen_at;
CREATE INDEX chat_members_check ON chat_members (check_at) WHERE left_at IS NULL;
CREATE INDEX chat_members_person ON chat_members (person_id);

-- Codes that are typed once into a chat: to bind it to a project, or to say who one is.
CREATE TABLE one_time_codes (
    -- SHA-256 in hex; the code itself is shown once.
    digest TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    person_id {{int}} NOT NULL REFERENCES persons (id),
    project_id {{int}} REFERENCES projects (id),
    created_at {{int}} NOT NULL,
    expires_at {{int}} NOT NULL,
    used_at {{int}}
){{strict}};

-- Whether notices into the project's groups show the beginning of what was said.
ALTER TABLE projects ADD COLUMN excerpts {{int}} NOT NULL DEFAULT 1;

-- What the notice tells beside its post: JSON, by kind.
ALTER TABLE notices ADD COLUMN detail TEXT;
-- Of no use after this: dropped.
ALTER TABLE notices ADD COLUMN expires_at {{int}};

-- Wrong codes typed into a chat: after a few of them the bot listens to none there for a while.
CREATE TABLE wrong_codes (
    id {{id}},
    chat_id {{int}} NOT NULL REFERENCES chats (id),
    at {{int}} NOT NULL
){{strict}};
CREATE INDEX wrong_codes_chat ON wrong_codes (chat_id, at);

-- What was changed about a discussion, by whom and through which door. What was said stands in posts.
CREATE TABLE discussion_events (
    id {{id}},
    discussion_id {{int}} NOT NULL REFERENCES discussions (id),
    at {{int}} NOT NULL,
    -- NULL: LINE did not tell who.
    person_id {{int}} REFERENCES persons (id),
    via TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- JSON (domain::Happening).
    what TEXT NOT NULL
){{strict}};
CREATE INDEX discussion_events_discussion ON discussion_events (discussion_id, at);
