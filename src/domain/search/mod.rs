//! Search: what of a message can be found, how text becomes words, what people may type, and what they are shown.

mod cursor;
mod excerpt;
mod query;
mod text;
mod words;

pub use cursor::{Cursor, MOST_BEST};
pub use excerpt::{Excerpt, Segment, excerpt};
pub use query::{Query, Term};
pub use text::{Kind, Piece, pieces};
pub use words::{Word, folded, words};
