-- Who wants to hear of what, and how. One file for both engines, see 0001.

-- A way for one kind of notice. What has no row is told in the usual way (domain::listening).
CREATE TABLE listening (
    id {{id}},
    -- Whose wish it is; NULL = the project's, for its people or groups.
    person_id {{int}} REFERENCES persons (id),
    -- Where it holds; NULL = in all of the person's projects.
    project_id {{int}} REFERENCES projects (id),
    -- staff, client or group, where it is the project's; empty where it is a person's.
    audience TEXT NOT NULL DEFAULT '',
    kind TEXT NOT NULL,
    way TEXT NOT NULL
){{strict}};
CREATE UNIQUE INDEX listening_person ON listening (person_id, kind) WHERE person_id IS NOT NULL AND project_id IS NULL;
CREATE UNIQUE INDEX listening_person_project ON listening (person_id, project_id, kind) WHERE person_id IS NOT NULL AND project_id IS NOT NULL;
CREATE UNIQUE INDEX listening_project ON listening (project_id, audience, kind) WHERE person_id IS NULL;

-- When their daily digest leaves, in minutes after midnight in the server's time zone.
ALTER TABLE persons ADD COLUMN digest_minute {{int}} NOT NULL DEFAULT 540;

-- Which weeks somebody has been told of: one mail each, however many nodes look, and however often.
CREATE TABLE weeklies (
    person_id {{int}} NOT NULL REFERENCES persons (id),
    -- The Monday, as yyyy-mm-dd.
    week TEXT NOT NULL,
    PRIMARY KEY (person_id, week)
){{strict}};

CREATE INDEX notices_digest ON notices (person_id, due_at) WHERE digest = 1 AND status = 'pending' AND delivery_id IS NULL;
-- When somebody was last mailed about a discussion.
CREATE INDEX deliveries_person_frozen ON deliveries (person_id, discussion_id, frozen_at) WHERE via = 'email';
