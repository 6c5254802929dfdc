//! The database of the web CRM that Skrynka takes the place of, and what came over from it.

mod marks;
mod old;
mod written;

pub use self::{
    marks::AdoptedMark,
    old::{OldSecret, OldSystem, OldTable, closed_to_emptying, empty_old_secret},
    written::{
        AdoptedFile, AdoptedKind, AdoptedMessage, Came, ClientCard, KeyedConversation, Note, Settled, TracedMessage,
        Waiting,
    },
};
