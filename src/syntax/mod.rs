//! From text to statements: what was written, before anything is known of its meaning.
//!
//! [`layout`](self) joins lines into statements, the pest grammar in `grammar/policy.pest` reads
//! one statement, and [`parse`] turns its tokens into the [`ast`], `parts` that of a long text in parts; [`Packed`]
//! statements are what is kept of a text; [`format`] prints a text anew. Only
//! this folder knows pest.

pub mod allow;
pub mod ast;
mod grammar;
mod layout;
mod left;
pub(crate) mod link;
pub(crate) mod marks;
mod mistake;
mod packed;
mod parse;
mod parts;
mod print;
pub(crate) mod word;

pub use grammar::KEYWORDS;
pub use packed::Packed;
pub use parse::parse;
pub use parts::{PART_BYTES, cuts, joined, part, whole};
pub use print::format;
