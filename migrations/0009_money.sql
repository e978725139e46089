-- What LINE may cost, what it has cost, and which chats it does not reach. One file for both engines, see 0001.

-- What LINE last said of an account's month.
CREATE TABLE line_quotas (
    inbox TEXT PRIMARY KEY,
    -- Messages that may be billed a month; NULL = no limit, or not known.
    quota {{int}},
    -- Messages billed in the month of asked_at; NULL = LINE did not tell.
    used {{int}},
    -- Our own share of them, as we counted it then.
    ours {{int}} NOT NULL DEFAULT 0,
    -- When LINE last answered, and when it was last asked.
    asked_at {{int}},
    tried_at {{int}},
    -- LINE refused a push for the quota: none is tried until then.
    stopped_until {{int}},
    stopped_why TEXT
){{strict}};

-- LINE messages that the project's chats may cost a month; NULL = as many as the account has.
ALTER TABLE projects ADD COLUMN monthly_budget {{int}};

-- Whose budget was told to be nearly or wholly spent: an inbox, or project/ID; in which month; at how many per cent.
CREATE TABLE budgets_told (
    payer TEXT NOT NULL,
    month {{int}} NOT NULL,
    percent {{int}} NOT NULL,
    told_at {{int}} NOT NULL,
    PRIMARY KEY (payer, month, percent)
){{strict}};

-- LINE does not take messages for the chat, since when and what it said; NULL once something is heard from there again.
ALTER TABLE chats ADD COLUMN unreachable_since {{int}};
ALTER TABLE chats ADD COLUMN unreachable_why TEXT;
-- When LINE last told how many people are in it; NULL = it is to be asked before a push.
ALTER TABLE chats ADD COLUMN counted_at {{int}};

-- Kept in line_quotas from now on.
DELETE FROM settings WHERE name LIKE 'quota_spent_until/%';

-- For the month's bill.
CREATE INDEX deliveries_sent ON deliveries (sent_at) WHERE sent_at IS NOT NULL;
-- For what was promised about a post.
CREATE INDEX IF NOT EXISTS notices_post ON notices (post_id);
