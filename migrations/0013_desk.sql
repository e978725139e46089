-- What staff do about notices. One file for both engines, see 0001.

-- 1 = a colleague said that it is to leave now, whatever the hour.
ALTER TABLE notices ADD COLUMN urged {{int}} NOT NULL DEFAULT 0;

-- What a person should look at, and what is not told; what waits and what was sent have their ways already.
CREATE INDEX notices_failed ON notices (id) WHERE status = 'failed';
CREATE INDEX notices_dropped ON notices (id) WHERE status = 'dropped';
CREATE INDEX notices_soonest ON notices (deadline_at, id) WHERE status = 'pending';
-- The month's bill.
CREATE INDEX deliveries_month ON deliveries (sent_at) WHERE status = 'sent' AND via <> 'email';
