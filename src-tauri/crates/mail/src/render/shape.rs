//! Bounds the work before it begins: parsing HTML is linear for what people write and much worse for what they can.
//!
//! A few kilobytes can nest a hundred thousand elements, reopen thousands of tags in each paragraph, or give one tag
//! a million attributes. So the parser runs once over a sink that builds nothing and counts, and is stopped early.

use std::{
    borrow::Cow,
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use html5ever::{
    Attribute, ExpandedName, ParseOpts, QualName,
    interface::{ElementFlags, NodeOrText, QuirksMode},
    local_name, ns, parse_fragment,
    tendril::{StrTendril, TendrilSink},
    tree_builder::TreeSink,
};

/// Elements of a document. Long newsletters have five thousand.
const ELEMENTS: usize = 150_000;
/// Elements inside each other; browsers stop at about 500.
const DEPTH: usize = 1_000;
/// A document that takes longer to count is no document. Real ones take milliseconds.
const TIME: Duration = Duration::from_secs(3);
/// Bytes between two looks at the counts.
const PIECE: usize = 8 << 10;

/// Whether the HTML can be parsed at a cost it is worth.
pub(super) fn is_reasonable(html: &str) -> bool {
    let counts = Rc::new(Counts::default());
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let mut parser = parse_fragment(Counter::new(Rc::clone(&counts)), ParseOpts::default(), context, Vec::new(), false);
    let begun = Instant::now();
    let mut rest = html;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(boundary(rest, PIECE));
        parser.process(StrTendril::from(piece));
        if counts.elements.get() > ELEMENTS || counts.depth.get() > DEPTH || begun.elapsed() > TIME {
            return false;
        }
        rest = after;
    }
    true
}

fn boundary(text: &str, most: usize) -> usize {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

#[derive(Default)]
struct Counts {
    elements: Cell<usize>,
    depth: Cell<usize>,
}

/// A node knows its name, which the parser asks for, and how deep it stands.
struct Node {
    name: QualName,
    depth: Cell<usize>,
}

type Handle = Rc<Node>;

struct Counter {
    counts: Rc<Counts>,
    document: Handle,
}

impl Counter {
    fn new(counts: Rc<Counts>) -> Self {
        Self { counts, document: nameless() }
    }

    fn place(&self, child: &NodeOrText<Handle>, depth: usize) {
        if let NodeOrText::AppendNode(child) = child {
            child.depth.set(depth);
            self.counts.depth.set(self.counts.depth.get().max(depth));
        }
    }
}

fn node(name: QualName) -> Handle {
    Rc::new(Node { name, depth: Cell::new(0) })
}

fn nameless() -> Handle {
    node(QualName::new(None, ns!(), local_name!("")))
}

impl TreeSink for Counter {
    type Handle = Handle;
    type Output = ();
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) {}

    fn get_document(&self) -> Handle {
        Rc::clone(&self.document)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        Rc::ptr_eq(one, other)
    }

    fn get_template_contents(&self, target: &Handle) -> Handle {
        Rc::clone(target)
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Handle {
        // Attributes are copied whenever an element is reopened, so they count as well.
        self.counts.elements.set(self.counts.elements.get() + 1 + attributes.len() / 16);
        node(name)
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        nameless()
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        nameless()
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.place(&child, parent.depth.get() + 1);
    }

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        self.place(&child, sibling.depth.get());
    }

    fn append_based_on_parent_node(&self, element: &Handle, previous: &Handle, child: NodeOrText<Handle>) {
        self.place(&child, element.depth.get().max(previous.depth.get() + 1));
    }

    fn reparent_children(&self, _: &Handle, new_parent: &Handle) {
        // The children's own depths are not known here; what is moved stands one deeper.
        new_parent.depth.set(new_parent.depth.get() + 1);
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn add_attrs_if_missing(&self, _: &Handle, _: Vec<Attribute>) {}

    fn remove_from_parent(&self, _: &Handle) {}

    fn set_quirks_mode(&self, _: QuirksMode) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_deep_mails_of_real_life_are_reasonable() {
        let newsletter = "<table><tr><td style='color:red'><p>x <b>y</b></p></td></tr></table>".repeat(10_000);
        let thread = format!("{}x{}", "<div><blockquote>".repeat(300), "</blockquote></div>".repeat(300));
        assert!(is_reasonable(&newsletter));
        assert!(is_reasonable(&thread));
        assert!(is_reasonable(""));
    }

    #[test]
    fn bombs_are_recognised_before_they_cost_anything() {
        let distinct: String = (0..2_000).map(|n| format!("<font color={n}>")).collect();
        let attributes: String = (0..400_000).map(|n| format!("{n:x}/")).collect();
        for (kind, html) in [
            ("nested", "<div>".repeat(400_000)),
            ("nested tables", "<table><tr><td>".repeat(130_000)),
            ("many elements", "<br>".repeat(500_000)),
            ("reopened tags", distinct + &"<p>".repeat(600_000)),
            ("attributes", format!("<b {attributes}>")),
            ("foster parents", "<table><b>".repeat(200_000)),
            ("adoption", "<a><p>".repeat(300_000)),
        ] {
            let begun = Instant::now();
            assert!(!is_reasonable(&html), "{kind}");
            assert!(begun.elapsed() < TIME * 3, "{kind} took {:?}", begun.elapsed());
        }
    }
}
