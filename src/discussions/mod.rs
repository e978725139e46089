//! What people do, one file an act. Each takes the transaction that it is part of.

mod access;
mod accounts;
mod announce;
mod apart;
mod audience;
mod bind;
mod budget;
mod change;
mod chat_news;
mod codes;
mod correct;
mod hearing;
mod learning;
mod link;
mod open;
mod other;
mod patience;
mod post;
mod quotes;
mod recall;
mod reply;
mod script;
mod second_address;
mod solved;
mod take_back;
mod telling;
mod undo;
mod unsend;
mod urgent;
mod watch;
mod weekly;
mod wishes;

pub use access::{Viewer, role_in};
pub use accounts::{AccountStanding, account_standing};
pub use announce::{AnnounceError, AnnouncementCost, Announcing, Made, announce, choose, costs, withdraw};
pub use apart::{Apart, set_apart};
pub use audience::{TaskNews, Told, promise, tell_bounced, tell_task};
pub use bind::{bind_chat, own_project_key, unbind_chat};
pub use budget::{
    AccountMonth, BudgetNews, Held, account_forecast, account_month, held_back, left_for, let_go, set_account_budget, set_monthly_budget,
    spent_by_project, this_month, watch_account, watch_budget,
};
pub use change::{Change, ChangeError, assignable, change, change_at, plain_title};
pub use chat_news::{ChatNews, tell_of_gap, tell_of_newcomer, tell_target_gone};
pub use codes::{is_waiting_link, make_code, use_code};
pub use correct::{CorrectError, Corrected, Place, Splitting, With, join_before, merge, move_posts, place, split};
pub use hearing::{MENTIONED, has_own_chat, own_chat, tell_instead};
pub use learning::{InUse, refit, refit_nightly};
pub use link::{Linking, link, unlink};
pub use open::open;
pub use other::{introductions, other_of, take_along};
pub use patience::{NewTimes, Setting, calendar_of, common_calendar, deadline, patience_of, set_days_off, set_times};
pub use post::{Tell, Written, begin, post};
pub use quotes::{bring, bring_along, follow_quote};
pub use recall::{GoingOn, Remembered, is_fixed, recall, recall_around};
pub use reply::{answer, reply};
pub use script::{CALLS_PER_HOUR, Called, IMAGES_PER_HOUR, call, hour_at, hour_ends};
pub use second_address::{AddressLinking, give_address, link_address, unlink_address};
pub use solved::{not_solved, solved};
pub use take_back::{TakenBack, may_take_back, take_back};
pub use telling::{Telling, TellingError, may_change, may_send_now, tell_otherwise};
pub use undo::{CORRECTED_SINCE, TOO_LATE, UNDO_WITHIN, UNDONE_BEFORE, undo};
pub use unsend::{Wording, edit, unsend, word_of_kind};
pub use watch::{hears_by_mail, part_in, take_off, watch};
pub use weekly::{Week, promise_weeklies, weekly_projects};
pub use wishes::{Wish, WishError, highest_role, wish, wishes};
