//! Policies that say who receives whose Matrix presence.
//!
//! A policy is one relation over users, written in a small language (`docs/language.md`). It is
//! compiled into one index that answers from both sides: who receives a sender's presence, and
//! whose presence a recipient receives. The two agree because they are one function.

mod compile;
pub mod decide;
pub mod diagnostic;
pub mod directory;
pub mod error;
pub mod extent;
mod foreign;
pub mod glob;
pub mod id;
mod index;
pub mod lint;
mod load;
mod names;
pub mod policy;
mod reach;
mod resolve;
pub mod router;
pub mod source;
mod syntax;
pub mod watch;
pub mod workload;
mod yaml;

pub use index::Senders;
pub use load::{MAX_FILE_BYTES, MAX_POLICY_BYTES, texts, why_unreadable};
pub use resolve::{Written, short_user_help};
pub use syntax::{KEYWORDS, format};
