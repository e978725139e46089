//! Why something that was promised waits, was given up or is not needed: words of ours in the database, sentences on pages.

use super::words;

words! {
    /// Why a notice or a delivery stands as it does.
    Why {
        /// Nobody is woken: no push before the quiet hours' end.
        QuietHours = "quiet_hours",
        /// A day off, quoted by name: no push before it is over.
        DayOff = "day_off",
        /// The month's budget is spent: free rides only.
        BudgetSpent = "budget_spent",
        /// The project's monthly budget does not cover it: free rides only.
        ProjectBudgetSpent = "project_budget_spent",
        /// LINE's quota of the month does not cover it: free rides only.
        QuotaSpent = "quota_spent",
        /// LINE refused a push for the quota although some is left: free rides only, for an hour.
        QuotaReserved = "quota_reserved",
        /// LINE refused a push for the quota and does not say how much there is: free rides only.
        QuotaRefused = "quota_refused",
        /// LINE takes no messages for the chat any more.
        TargetGone = "target_gone",
        /// They blocked the account.
        Blocked = "blocked",
        /// Its reply token was no longer good; it takes another ride.
        TokenGone = "token_gone",
        /// LINE took it not for a picture or a sticker of a script that travelled along: without those it takes another ride.
        ExtrasRefused = "extras_refused",
        /// The other side cannot take it just now.
        NotNow = "not_now",
        /// The other side's answer was lost: it may have arrived.
        NoAnswer = "no_answer",
        /// The mail server wants to be asked again later.
        PutOff = "put_off",
        /// It was tried for as long as it may be, and has certainly not arrived.
        GivenUp = "given_up",
        /// Likewise, but an answer was lost: it may have arrived.
        GivenUpUnsure = "given_up_unsure",
        /// The other side will never take it.
        Refused = "refused",
        /// The mail came back.
        Bounced = "bounced",
        /// The account is no longer in the chat.
        LeftChat = "left_chat",
        /// There is nowhere to send a mail to, or nothing to send it with.
        NoAddress = "no_address",
        /// The configuration has no `[smtp]`.
        NoSmtp = "no_smtp",
        /// The configuration has that LINE account no longer.
        NoAccount = "no_account",
        /// What it tells cannot be read any more.
        Unreadable = "unreadable",
        /// What it told of was taken back.
        TakenBack = "taken_back",
        /// Likewise, after a try that may have arrived.
        TakenBackUnsure = "taken_back_unsure",
        /// It was of no use any more when it could have left.
        Outdated = "outdated",
        /// An acknowledgement that missed its ride; the chat has been answered since.
        AnsweredSince = "answered_since",
        /// An acknowledgement that missed its ride, of a matter that is done.
        DoneSince = "done_since",
        /// An acknowledgement of what joined another matter, whose number the chat has heard.
        Joined = "joined",
        /// The status is again what it was.
        Unchanged = "unchanged",
        /// Nothing happened in that week, and nothing is open.
        NothingToTell = "nothing_to_tell",
        /// There is no way to say this in a chat.
        NothingToSay = "nothing_to_say",
        /// It is told with the discussion that it became.
        ToldElsewhere = "told_elsewhere",
        /// It was put aside as no matter of its own.
        PutAside = "put_aside",
        /// It was undone before anybody was told.
        Undone = "undone",
        /// They turned the mails about this discussion off.
        MailsTurnedOff = "mails_turned_off",
        /// They may not read the project (any more).
        MayNotRead = "may_not_read",
        /// The group is no longer theirs to look after.
        NotTheirs = "not_theirs",
        /// It is not so any more.
        NoLongerSo = "no_longer_so",
        /// LINE could not be paid to tell them in their own chat: they were told by mail.
        MailedInstead = "mailed_instead",
        /// The announcement was withdrawn.
        Withdrawn = "withdrawn",
        /// A colleague cancelled it; they are quoted.
        Cancelled = "cancelled",
        /// A colleague had it tried once more.
        AskedAgain = "asked_again",
    }
}

/// How reasons were written before they were words: rows of old installations hold them.
const SENTENCES: [(&str, Why); 26] = [
    ("quiet hours", Why::QuietHours),
    ("a day off", Why::DayOff),
    ("the month's LINE budget is spent; waiting for a free reply", Why::BudgetSpent),
    ("LINE refused it for the month's quota", Why::QuotaRefused),
    ("the reply token was no longer good", Why::TokenGone),
    ("given up", Why::GivenUp),
    ("the account is no longer in this chat", Why::LeftChat),
    ("there is no mail address, or no [smtp] in the configuration", Why::NoAddress),
    ("there is no [smtp] in the configuration", Why::NoSmtp),
    ("it does not say what it tells", Why::Unreadable),
    ("it is about no discussion", Why::Unreadable),
    ("the message was taken back", Why::TakenBack),
    ("the mail was taken back", Why::TakenBack),
    ("what it told of was taken back", Why::TakenBack),
    ("the message was taken back; an earlier try may have arrived", Why::TakenBackUnsure),
    ("it was of no use any more when it could have left", Why::Outdated),
    ("it has been answered since", Why::AnsweredSince),
    ("it has been done since", Why::DoneSince),
    ("the status is again what it was", Why::Unchanged),
    ("there was nothing to say to a chat", Why::NothingToTell),
    ("nothing happened in that week, and nothing is open", Why::NothingToTell),
    ("it is told with the discussion that it became", Why::ToldElsewhere),
    ("it was undone before the group was told", Why::Undone),
    ("they turned the mails about this discussion off", Why::MailsTurnedOff),
    ("the group is no longer theirs to look after", Why::NotTheirs),
    ("it is not so any more", Why::NoLongerSo),
];

impl Why {
    /// Why no push is paid for what waits.
    pub const MONEY: [Self; 5] = [Self::BudgetSpent, Self::ProjectBudgetSpent, Self::QuotaSpent, Self::QuotaReserved, Self::QuotaRefused];

    /// With the other side's own words, as they are kept: `refused: 403 {"message":"…"}`.
    pub fn quoting(self, words: &str) -> String {
        if words.is_empty() { self.as_str().to_owned() } else { format!("{self}: {words}") }
    }

    /// Reads what [`Why::quoting`] wrote, a word alone or one with its end (`quota_spent until 2026-11-30T16:00:00Z`), and the sentences
    /// from before there were such words; `None` for anything else.
    pub fn read(written: &str) -> Option<(Self, Option<&str>)> {
        if let Some(why) = Self::said(written) {
            return Some((why, None));
        }
        if let Some((word, quoted)) = written.split_once(": ") {
            return Some((Self::said(word)?, Some(quoted)));
        }
        let (word, _) = written.split_once(" until ")?;
        Some((Self::find(word)?, None))
    }

    fn said(written: &str) -> Option<Self> {
        Self::find(written).or_else(|| SENTENCES.iter().find(|(sentence, _)| *sentence == written).map(|(_, why)| *why))
    }

    /// Whether only free rides are left until the notice's deadline, which it put off.
    pub fn is_about_money(self) -> bool {
        Self::MONEY.contains(&self)
    }

    /// Whether it puts pushes off for the hour or the day.
    pub fn is_about_the_calendar(self) -> bool {
        matches!(self, Self::QuietHours | Self::DayOff)
    }

    /// Whether it may have arrived, so that another try could tell it twice.
    pub fn may_have_arrived(self) -> bool {
        matches!(self, Self::NoAnswer | Self::GivenUpUnsure | Self::TakenBackUnsure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_quoted_is_read_again() {
        for why in Why::ALL {
            assert_eq!(Why::read(&why.quoting("")), Some((*why, None)));
            assert_eq!(Why::read(&why.quoting("403: x: y")), Some((*why, Some("403: x: y"))));
        }
    }

    #[test]
    fn sentences_of_old_are_understood_and_others_left_alone() {
        for (sentence, why) in SENTENCES {
            assert_eq!(Why::read(sentence), Some((why, None)));
        }
        assert_eq!(Why::read("given up: 500: x"), Some((Why::GivenUp, Some("500: x"))));
        assert_eq!(Why::read("bounced: a@b: 5.1.1"), Some((Why::Bounced, Some("a@b: 5.1.1"))));
        assert_eq!(Why::read("quota_spent until 2026-11-30T16:00:00Z"), Some((Why::QuotaSpent, None)));
        for other in ["403: no", "wait until then", "the line account \"x\" is no longer configured", ""] {
            assert_eq!(Why::read(other), None, "{other:?}");
        }
    }
}
