//! Unsafe code stands in the backend crates, in one module of tls-core, and in
//! the benchmarks where they use a library as it is.

use super::lexer::{Kind, Token};
use super::source::File;

/// Where it may stand. That each block says why it is sound is clippy's to
/// check (`undocumented_unsafe_blocks`).
const ALLOWED: &[&str] = &[
    "benches/src/heap.rs",
    "benches/src/raw/boring.rs",
    "crates/tls-boring/",
    "crates/tls-core/src/lent.rs",
    "crates/tls-native/",
    "crates/tls-openssl/",
    "crates/tls-rustls/",
];

/// Every `unsafe` in the code of another file.
pub(crate) fn check(file: &File, tokens: &[Token<'_>]) -> Vec<String> {
    if ALLOWED.iter().any(|place| file.path.starts_with(place)) {
        return Vec::new();
    }
    tokens
        .iter()
        .filter(|token| token.kind == Kind::Word && token.text == "unsafe")
        .map(|token| file.violation(token.line, "unsafe code may not stand here"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::lexer::tokens;

    fn found(path: &str, text: &str) -> usize {
        let file = File {
            path: path.into(),
            text: text.into(),
        };
        check(&file, &tokens(&file.text)).len()
    }

    #[test]
    fn unsafe_code_is_found_where_it_may_not_stand() {
        for text in [
            "fn f() { unsafe { g() } }",
            "unsafe impl Send for A {}",
            "#[unsafe(no_mangle)] fn f() {}",
        ] {
            assert_eq!(found("crates/socket/src/lib.rs", text), 1, "{text}");
            assert_eq!(found("crates/tls-core/src/roots.rs", text), 1, "{text}");
            assert_eq!(found("crates/tls-core/src/lent.rs", text), 0, "{text}");
            assert_eq!(found("crates/tls-openssl/src/session.rs", text), 0);
        }
    }

    #[test]
    fn the_word_in_a_comment_a_string_or_a_name_is_not_meant() {
        let text = "#![forbid(unsafe_code)] // unsafe\nconst T: &str = \"unsafe\";";
        assert_eq!(found("crates/socket/src/lib.rs", text), 0);
    }
}
