//! Whole journeys, from the outside: one file each, each test a sentence.
//!
//! They run on `SQLite`, or, with `THREADLINE_TEST_DATABASE=postgres://superuser@…/postgres`, each on a database of its own there.

mod support;

mod announcements;
mod any_order;
mod api;
mod bot_manners;
mod client_writes_email;
mod corrections;
mod files_are_kept;
mod kept_promises;
mod killed_at_any_moment;
mod large_files;
mod line_bodies;
mod line_group_asks;
mod line_record;
mod mail_between_people;
mod mail_leaves;
mod mail_takes_over;
mod mailbox_is_read;
mod money_is_minded;
mod notices_desk;
mod notices_wait;
mod operator_recovers;
mod people_come_and_go;
mod people_listen;
mod pictures_are_shown;
mod said_in_one_go;
mod scripts_notify;
mod server_and_replay;
mod several_accounts;
mod staff_answers_by_email;
mod taps;
mod threads;
mod told_rightly;
mod told_where_said;
mod typed_commands;
mod whose_mail;
