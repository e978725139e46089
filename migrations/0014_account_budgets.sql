-- What each LINE account may cost. One file for both engines, see 0001.

-- LINE messages that we let the account be billed for a month, as admins said; NULL = as the configuration says.
ALTER TABLE line_quotas ADD COLUMN budget {{int}};
