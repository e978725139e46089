-- Which discussion, how surely, and what people make of it. One file for both engines, see 0001.

-- How sure the threader was (threading::Class): sure, likely, new, other, waits; confirmed or corrected once a person has looked.
-- NULL: it had nothing to decide.
ALTER TABLE posts ADD COLUMN class TEXT;
-- What a person is to look at, and how right the threader was.
CREATE INDEX posts_class ON posts (class, created_at, id) WHERE class IS NOT NULL;

-- 1: what was said in the chat and is no matter of its own. Its number is the chat's id below zero, so that it takes none from matters.
ALTER TABLE discussions ADD COLUMN other {{int}} NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX discussions_other ON discussions (chat_id) WHERE other = 1;

-- What people corrected: taken back within 30 days, it is exactly as it was.
CREATE TABLE corrections (
    id {{id}},
    at {{int}} NOT NULL,
    -- NULL: LINE did not tell who.
    person_id {{int}} REFERENCES persons (id),
    via TEXT NOT NULL,
    -- move, split, merge, title
    kind TEXT NOT NULL,
    from_id {{int}} NOT NULL REFERENCES discussions (id),
    to_id {{int}} NOT NULL REFERENCES discussions (id),
    -- How it was called before, where that changed.
    title TEXT,
    -- JSON (domain::Ended).
    ended TEXT NOT NULL,
    undone_at {{int}}
){{strict}};
CREATE INDEX corrections_from ON corrections (from_id, at);
CREATE INDEX corrections_to ON corrections (to_id, at);

-- The posts that were moved, with why they were where they were.
CREATE TABLE correction_posts (
    correction_id {{int}} NOT NULL REFERENCES corrections (id),
    post_id {{int}} NOT NULL REFERENCES posts (id),
    evidence TEXT NOT NULL,
    class TEXT,
    PRIMARY KEY (correction_id, post_id)
){{strict}};
CREATE INDEX correction_posts_post ON correction_posts (post_id);

-- What people taught the threader: where a post belongs, and what could be seen of it (names and numbers of features, no words).
CREATE TABLE examples (
    post_id {{int}} PRIMARY KEY REFERENCES posts (id),
    -- NULL: confirmed.
    correction_id {{int}} REFERENCES corrections (id),
    at {{int}} NOT NULL,
    seen TEXT NOT NULL,
    -- new, rest, or a discussion's id
    place TEXT NOT NULL
){{strict}};
CREATE INDEX examples_at ON examples (at);
CREATE INDEX examples_correction ON examples (correction_id);
