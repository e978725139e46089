-- What scripts tell groups, and announcements. One file for both engines, see 0001.

-- A token of /api/notify speaks in one chat.
CREATE TABLE notify_tokens (
    id {{id}},
    chat_id {{int}} NOT NULL REFERENCES chats (id),
    name TEXT NOT NULL,
    -- SHA-256 of the token, in hex; the token itself is shown once and kept nowhere.
    digest TEXT NOT NULL UNIQUE,
    person_id {{int}} NOT NULL REFERENCES persons (id),
    created_at {{int}} NOT NULL,
    revoked_at {{int}},
    last_used_at {{int}},
    calls {{int}} NOT NULL DEFAULT 0,
    -- The hour that is counted in: when it began, and what was accepted in it.
    hour_at {{int}} NOT NULL DEFAULT 0,
    hour_calls {{int}} NOT NULL DEFAULT 0,
    hour_images {{int}} NOT NULL DEFAULT 0
){{strict}};
CREATE INDEX notify_tokens_chat ON notify_tokens (chat_id);

-- What a script said, beside its notice: how often, while it waited.
CREATE TABLE script_calls (
    notice_id {{int}} PRIMARY KEY REFERENCES notices (id),
    token_id {{int}} NOT NULL REFERENCES notify_tokens (id),
    -- SHA-256 of what was said, in hex.
    digest TEXT NOT NULL,
    times {{int}} NOT NULL
){{strict}};
CREATE INDEX script_calls_same ON script_calls (token_id, digest, notice_id);

-- Pictures that scripts sent, as LINE's apps fetch them: by an address that nobody can guess and that stays.
CREATE TABLE script_pictures (
    id {{id}},
    secret TEXT NOT NULL UNIQUE,
    token_id {{int}} NOT NULL REFERENCES notify_tokens (id),
    -- Of the bytes as they were sent.
    digest TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    preview_sha256 TEXT NOT NULL,
    created_at {{int}} NOT NULL
){{strict}};
CREATE INDEX script_pictures_same ON script_pictures (token_id, digest);
CREATE INDEX script_pictures_sha256 ON script_pictures (sha256);
CREATE INDEX script_pictures_preview ON script_pictures (preview_sha256);

-- What staff told the groups of chosen projects.
CREATE TABLE announcements (
    id {{id}},
    -- A form's own name: sent twice, it is one announcement.
    form TEXT NOT NULL UNIQUE,
    person_id {{int}} NOT NULL REFERENCES persons (id),
    body TEXT NOT NULL,
    urgent {{int}} NOT NULL,
    created_at {{int}} NOT NULL,
    withdrawn_at {{int}}
){{strict}};

CREATE TABLE announcement_notices (
    announcement_id {{int}} NOT NULL REFERENCES announcements (id),
    notice_id {{int}} NOT NULL UNIQUE REFERENCES notices (id),
    PRIMARY KEY (announcement_id, notice_id)
){{strict}};
