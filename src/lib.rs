//! Policies that say who receives whose Matrix presence.
//!
//! A policy is one relation over users, written in a small language (`docs/language.md`). It is
//! compiled into one index that answers from both sides: who receives a sender's presence, and
//! whose presence a recipient receives. The two agree because they are one function.

pub mod decide;
pub mod diagnostic;
pub mod directory;
pub mod error;
pub mod glob;
pub mod id;
mod load;
pub mod policy;
mod resolve;
pub mod source;
pub mod syntax;
mod yaml;
