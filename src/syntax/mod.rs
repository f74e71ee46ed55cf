//! From text to statements: what was written, before anything is known of its meaning.
//!
//! [`layout`](self) joins lines into statements, the pest grammar in `grammar/policy.pest` reads
//! one statement, and [`parse`] turns its tokens into the [`ast`]; [`format`] prints a text anew. Only
//! this folder knows pest.

pub mod ast;
mod grammar;
mod layout;
mod mistake;
mod parse;
mod print;
pub(crate) mod word;

pub use grammar::KEYWORDS;
pub use parse::parse;
pub use print::format;
