-- Who follows a discussion by mail, and until when a client's mail reopens one. One file for both engines, see 0001.

-- Who is told of a discussion beside those who always are, and who asked not to be.
CREATE TABLE watchers (
    discussion_id {{int}} NOT NULL REFERENCES discussions (id),
    person_id {{int}} NOT NULL REFERENCES persons (id),
    -- 1 = told as its writer is. 0 = no longer: by themselves (by_id is theirs) of nothing in it, by another of nothing as a watcher.
    watching {{int}} NOT NULL,
    since {{int}} NOT NULL,
    by_id {{int}} REFERENCES persons (id),
    PRIMARY KEY (discussion_id, person_id)
){{strict}};
CREATE INDEX watchers_person ON watchers (person_id);

-- A client's mail into a discussion that has been done for longer opens a new one.
ALTER TABLE projects ADD COLUMN reopen_days {{int}} NOT NULL DEFAULT 30;
