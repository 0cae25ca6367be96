//! Blocks with functions that an object has already. A macro sees one block; what else
//! there is, it reads in the file that the block is from.

use std::fs;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Item, ItemImpl, Stmt};

/// Whether another block of the same object comes before this one. No answer is
/// `false`: then the compiler says that something is defined twice.
pub fn is_second(block: &ItemImpl) -> bool {
    let Some(path) = block.self_ty.span().local_file() else {
        return false;
    };
    let text = fs::read_to_string(path).unwrap_or_default();
    is_second_in(&text, block)
}

fn is_second_in(text: &str, block: &ItemImpl) -> bool {
    if text.matches("functions").count() < 2 {
        return false;
    }
    let Ok(file) = syn::parse_file(text) else {
        return false;
    };
    let mut places = Places {
        block,
        first: false,
        later: false,
    };
    places.look(file.items.iter());
    places.visit_file(&file);
    places.later && !places.first
}

/// Where the block is found: as the first of its object in a list of items, or later.
struct Places<'a> {
    block: &'a ItemImpl,
    first: bool,
    later: bool,
}

impl Places<'_> {
    fn look<'b>(&mut self, items: impl Iterator<Item = &'b Item>) {
        let mut earlier = false;
        for item in items {
            let Item::Impl(item) = item else { continue };
            let Some(plain) = without_attribute(item) else {
                continue;
            };
            if plain.self_ty != self.block.self_ty {
                continue;
            }
            if plain == *self.block {
                self.later |= earlier;
                self.first |= !earlier;
            }
            earlier = true;
        }
    }
}

impl<'ast> Visit<'ast> for Places<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.look(module.content.iter().flat_map(|(_, items)| items));
        visit::visit_item_mod(self, module);
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.look(block.stmts.iter().filter_map(|statement| match statement {
            Stmt::Item(item) => Some(item),
            _ => None,
        }));
        visit::visit_block(self, block);
    }
}

/// The block as its macro sees it; none if it has no `#[functions]`, or is there under
/// some condition only.
fn without_attribute(item: &ItemImpl) -> Option<ItemImpl> {
    let is = |attribute: &syn::Attribute, name: &str| {
        let last = attribute.path().segments.last();
        last.is_some_and(|segment| segment.ident == name)
    };
    let at = item.attrs.iter().position(|attr| is(attr, "functions"))?;
    if item.attrs.iter().any(|attribute| is(attribute, "cfg")) {
        return None;
    }
    let mut plain = item.clone();
    plain.attrs.remove(at);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_second(text: &str) -> bool {
        let block = syn::parse_str("impl A { pub fn b(&self) {} }").unwrap();
        is_second_in(text, &block)
    }

    const FIRST: &str = "#[functions] impl A { pub fn a(&self) {} }";
    const SECOND: &str = "#[poniard_sdk::functions] impl A { pub fn b(&self) {} }";

    #[test]
    fn only_what_comes_later_in_the_same_place_is_a_second_block() {
        assert!(is_second(&format!("{FIRST} {SECOND}")));
        assert!(is_second(&format!("mod m {{ {FIRST} {SECOND} }}")));
        assert!(is_second(&format!("fn f() {{ {FIRST} {SECOND} }}")));
        assert!(!is_second(&format!("{SECOND} {FIRST}")));
        assert!(!is_second(&format!("mod m {{ {FIRST} }} {SECOND}")));
        assert!(!is_second(&format!("{FIRST} mod m {{ {SECOND} }}")));
        assert!(!is_second(&format!("#[cfg(x)] {FIRST} {SECOND}")));
        assert!(!is_second(&format!("#[functions] impl B {{}} {SECOND}")));
        assert!(!is_second(&format!("impl A {{}} {SECOND} // functions")));
    }
}
