-- When LINE hears it: each project's own patience and calendar. One file for both engines, see 0001.

-- How long a kind of notice waits for a free ride into the project's chats; no row: as by default.
CREATE TABLE project_waits (
    project_id {{int}} NOT NULL REFERENCES projects (id),
    kind TEXT NOT NULL,
    -- minutes, next_digest, free_only
    wait TEXT NOT NULL,
    -- For `minutes` alone.
    minutes {{int}},
    PRIMARY KEY (project_id, kind)
){{strict}};

-- What a project says of its days; NULL: as by default.
CREATE TABLE project_times (
    project_id {{int}} PRIMARY KEY REFERENCES projects (id),
    -- 17:00
    digest_at TEXT,
    -- 21:00-08:00; empty: none
    quiet_hours TEXT,
    -- mon,tue,wed
    working_days TEXT
){{strict}};

-- Days without pushes: the installation's (no project), and each project's beside them.
CREATE TABLE days_off (
    id {{id}},
    project_id {{int}} REFERENCES projects (id),
    -- 2026-02-16
    day TEXT NOT NULL,
    name TEXT NOT NULL
){{strict}};
CREATE UNIQUE INDEX days_off_project ON days_off (project_id, day) WHERE project_id IS NOT NULL;
CREATE UNIQUE INDEX days_off_all ON days_off (day) WHERE project_id IS NULL;

-- What may be paid for, what is of no use any more, and where a free ride is at hand: the three ways for a chat's notices to move, each
-- found without a look at all that waits.
CREATE INDEX notices_deadline ON notices (deadline_at) WHERE status = 'pending' AND delivery_id IS NULL AND chat_id IS NOT NULL;
CREATE INDEX notices_expires ON notices (expires_at) WHERE status = 'pending' AND delivery_id IS NULL AND expires_at IS NOT NULL;
CREATE INDEX reply_tokens_unused ON reply_tokens (received_at) WHERE used_at IS NULL;
-- What waits for people, likewise.
CREATE INDEX notices_people ON notices (due_at) WHERE status = 'pending' AND delivery_id IS NULL AND person_id IS NOT NULL;
-- Without what waits: SQLite would look for "delivery_id IS NULL" in it, which is all that waits, rather than take one of these.
DROP INDEX notices_delivery;
CREATE INDEX notices_delivery ON notices (delivery_id) WHERE delivery_id IS NOT NULL;
-- What tells of a post, when it is taken back.
CREATE INDEX notices_post ON notices (post_id) WHERE post_id IS NOT NULL;
-- Whether an answer or a status has been told since.
CREATE INDEX notices_told ON notices (discussion_id, chat_id, kind) WHERE chat_id IS NOT NULL;
