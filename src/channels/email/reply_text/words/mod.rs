//! What mail programs and people write around the new text of a mail, in the languages that reach us. Data only.
//!
//! Every text here is compared in lower case, after white space is collapsed.

mod attributions;
mod devices;
mod labels;
mod separators;
mod signatures;

pub(super) use attributions::{ATTRIBUTIONS, Attribution};
pub(super) use devices::{DEVICE_SIGNATURES, DEVICES, PROGRAM_SIGNATURES};
pub(super) use labels::{LABELS, Label};
pub(super) use separators::{EARLIER_POSTS, FORWARDED, ORIGINAL_MESSAGE};
pub(super) use signatures::{
    AFFILIATIONS, CLOSINGS, CONTACT_LABELS, DISCLAIMERS, NOTICES, RECIPIENT_LABELS, ROLES, SURNAMES, SURNAMES_OF_TWO,
};
