//! Which messages belong together: mails that share a Message-ID, their own or one they refer to (RFC 5256 section
//! 2.2, after Zawinski's threading), in whatever order they arrive.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use crate::{model::ConversationId, store::KnownThread};

/// How a batch falls into threads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Groups {
    /// The group of each message.
    pub of: Vec<usize>,
    /// The conversation that a group has already, by group.
    pub existing: Vec<Option<ConversationId>>,
    /// Conversations that turn out to be one: `(from, into)`; the one with the most messages is kept, of several the
    /// oldest.
    pub merges: Vec<(ConversationId, ConversationId)>,
    /// Every Message-ID that is not stored yet, with its group.
    pub ids: Vec<(String, usize)>,
}

/// Groups messages, given by the Message-IDs that tie each to its thread. A message without any is a group of its own.
pub(super) fn group(messages: &[Vec<String>], known: &BTreeMap<String, KnownThread>) -> Groups {
    let mut sets = DisjointSets::new(messages.len());
    let mut first_with: HashMap<&str, usize> = HashMap::new();
    let mut first_in: HashMap<ConversationId, (i32, usize)> = HashMap::new();
    for (message, ids) in messages.iter().enumerate() {
        for id in ids {
            sets.join(message, *first_with.entry(id).or_insert(message));
            if let Some(KnownThread { conversation, messages }) = known.get(id) {
                sets.join(message, first_in.entry(*conversation).or_insert((*messages, message)).1);
            }
        }
    }
    let mut number: HashMap<usize, usize> = HashMap::new();
    let of: Vec<usize> = (0..messages.len())
        .map(|message| {
            let next = number.len();
            *number.entry(sets.root(message)).or_insert(next)
        })
        .collect();
    let mut existing: Vec<Option<ConversationId>> = vec![None; number.len()];
    let mut merges = Vec::new();
    let mut conversations: Vec<_> = first_in.into_iter().collect();
    // What moves is written anew: the largest conversation of a group comes first and is kept.
    conversations.sort_unstable_by_key(|(conversation, (messages, _))| (Reverse(*messages), *conversation));
    for (conversation, (_, message)) in conversations {
        match existing[of[message]] {
            None => existing[of[message]] = Some(conversation),
            Some(kept) => merges.push((conversation, kept)),
        }
    }
    let mut ids: Vec<(String, usize)> = first_with
        .into_iter()
        .filter(|(id, _)| !known.contains_key(*id))
        .map(|(id, message)| (id.to_owned(), of[message]))
        .collect();
    ids.sort_unstable();
    Groups { of, existing, merges, ids }
}

struct DisjointSets {
    parent: Vec<usize>,
}

impl DisjointSets {
    fn new(size: usize) -> Self {
        Self { parent: (0..size).collect() }
    }

    fn root(&mut self, mut item: usize) -> usize {
        while self.parent[item] != item {
            self.parent[item] = self.parent[self.parent[item]];
            item = self.parent[item];
        }
        item
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn ids(list: &[&[&str]]) -> Vec<Vec<String>> {
        list.iter().map(|ids| ids.iter().map(|id| (*id).to_owned()).collect()).collect()
    }

    fn thread(conversation: ConversationId, messages: i32) -> KnownThread {
        KnownThread { conversation, messages }
    }

    fn conversation(second: i64) -> ConversationId {
        ConversationId::new(OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second))
    }

    #[test]
    fn mails_that_refer_to_one_another_are_one_group_in_any_order() {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mails: [&[&str]; 3] = [&["a"], &["b", "a"], &["c", "b"]];
            let groups = group(&ids(&order.map(|n| mails[n])), &BTreeMap::new());
            assert_eq!(groups.of, [0, 0, 0], "{order:?}");
        }
    }

    #[test]
    fn mails_without_a_common_id_stay_apart() {
        let groups = group(&ids(&[&["a"], &[], &["b"], &[]]), &BTreeMap::new());
        assert_eq!(groups.of, [0, 1, 2, 3]);
        assert_eq!(groups.existing, [None; 4]);
    }

    #[test]
    fn a_mail_joins_the_conversation_that_knows_its_parent() {
        let parent = conversation(1);
        let known = BTreeMap::from([("a".to_owned(), thread(parent, 1))]);
        let groups = group(&ids(&[&["b", "a"]]), &known);
        assert_eq!(groups.existing, [Some(parent)]);
        assert_eq!(groups.ids, [("b".to_owned(), 0)]);
    }

    #[test]
    fn a_mail_that_bridges_two_conversations_merges_the_smaller_into_the_larger() {
        let (old, young) = (conversation(1), conversation(2));
        for (sizes, kept, gone) in [([1, 1], old, young), ([2, 1], old, young), ([1, 2], young, old)] {
            let known =
                BTreeMap::from([("a".to_owned(), thread(young, sizes[1])), ("b".to_owned(), thread(old, sizes[0]))]);
            let groups = group(&ids(&[&["c", "a", "b"]]), &known);
            assert_eq!(groups.existing, [Some(kept)], "{sizes:?}");
            assert_eq!(groups.merges, [(gone, kept)], "{sizes:?}");
        }
    }
}
