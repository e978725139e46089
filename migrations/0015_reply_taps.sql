-- "Reply here". One file for both engines, see 0001.

-- Somebody in a chat tapped a card's button: what they say next belongs to its discussion. Kept for a day, since events come in any order.
CREATE TABLE reply_taps (
    chat_id {{int}} NOT NULL REFERENCES chats (id),
    person_id {{int}} NOT NULL REFERENCES persons (id),
    at {{int}} NOT NULL,
    discussion_id {{int}} NOT NULL REFERENCES discussions (id),
    PRIMARY KEY (chat_id, person_id, at)
){{strict}};
