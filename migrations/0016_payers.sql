-- Who pays. One file for both engines, see 0001.

-- What a person is told in their own chat belongs to the projects of which it tells: the one that pays for it, and whose bill it is on.
-- NULL = the chat's project, whichever that is by now.
ALTER TABLE deliveries ADD COLUMN payer_id {{int}} REFERENCES projects (id);
