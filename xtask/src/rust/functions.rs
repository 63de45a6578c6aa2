//! Functions of a file: their names, where they stand, how long they are.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// One function with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    /// `name`, or `Type::name` for one in an `impl` or a trait.
    pub(crate) name: String,
    /// The line of its signature, from 1.
    pub(crate) line: usize,
    /// From the signature to the closing brace; attributes and documentation are not counted.
    pub(crate) lines: usize,
    /// Whether `#[test]` or the like stands on it.
    pub(crate) is_test: bool,
}

/// Every function of the file that has a body, in reading order.
pub(crate) fn functions(file: &syn::File) -> Vec<Function> {
    let mut found = Found {
        owner: None,
        functions: Vec::new(),
    };
    found.visit_file(file);
    found.functions
}

struct Found {
    owner: Option<String>,
    functions: Vec<Function>,
}

impl Found {
    fn keep(&mut self, signature: &syn::Signature, end: Span, attributes: &[syn::Attribute]) {
        let start = signature.span().start().line;
        let name = signature.ident.to_string();
        self.functions.push(Function {
            name: self
                .owner
                .as_ref()
                .map_or(name.clone(), |owner| format!("{owner}::{name}")),
            line: start,
            lines: end.end().line.saturating_sub(start) + 1,
            is_test: attributes.iter().any(is_test_attribute),
        });
    }
}

/// `#[test]`, `#[tokio::test]`.
fn is_test_attribute(attribute: &syn::Attribute) -> bool {
    attribute
        .path()
        .segments
        .last()
        .is_some_and(|last| last.ident == "test")
}

impl Visit<'_> for Found {
    fn visit_item_fn(&mut self, item: &syn::ItemFn) {
        self.keep(&item.sig, item.block.span(), &item.attrs);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &syn::ItemImpl) {
        let before = self.owner.replace(type_name(&item.self_ty));
        syn::visit::visit_item_impl(self, item);
        self.owner = before;
    }

    fn visit_impl_item_fn(&mut self, item: &syn::ImplItemFn) {
        self.keep(&item.sig, item.block.span(), &item.attrs);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_trait(&mut self, item: &syn::ItemTrait) {
        let before = self.owner.replace(item.ident.to_string());
        syn::visit::visit_item_trait(self, item);
        self.owner = before;
    }

    fn visit_trait_item_fn(&mut self, item: &syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.keep(&item.sig, body.span(), &item.attrs);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}

fn type_name(this: &syn::Type) -> String {
    if let syn::Type::Reference(reference) = this {
        return type_name(&reference.elem);
    }
    let syn::Type::Path(path) = this else {
        return String::new();
    };
    path.path
        .segments
        .last()
        .map(|last| last.ident.to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_named_by_their_owner_and_counted_without_their_documentation() {
        let source = "/// Long\n/// text.\nfn free() {\n}\nimpl<T> Store<T> {\n    fn open() -> u8 {\n        1\n    }\n}\n#[tokio::test]\nasync fn t() {}\ntrait P { fn no_body(); fn body() {} }";
        let file = syn::parse_file(source).expect("the test's source is Rust");
        let found: Vec<(String, usize, usize, bool)> = functions(&file)
            .into_iter()
            .map(|f| (f.name, f.line, f.lines, f.is_test))
            .collect();
        let expected = [
            ("free", 3, 2, false),
            ("Store::open", 6, 3, false),
            ("t", 11, 1, true),
            ("P::body", 12, 1, false),
        ];
        let expected = expected.map(|(name, line, lines, test)| (name.to_owned(), line, lines, test));
        assert_eq!(found, expected);
    }
}
