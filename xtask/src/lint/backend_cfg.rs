//! The features that choose a backend are asked in `crates/polytls` only.

use super::lexer::{Kind, Token};
use super::source::File;

/// Features that choose a backend.
const FEATURES: &[&str] = &[
    "all-backends",
    "boring",
    "native-tls",
    "native-tls-vendored",
    "openssl",
    "openssl-vendored",
    "rustls",
];

/// Where they may be asked.
const ALLOWED: &str = "crates/polytls/";

/// Every `feature = "<backend>"` in the code of another crate: in `cfg`,
/// `cfg_attr`, `cfg!` and whatever else reads it.
pub(crate) fn check(file: &File, tokens: &[Token<'_>]) -> Vec<String> {
    if file.path.starts_with(ALLOWED) {
        return Vec::new();
    }
    tokens
        .windows(3)
        .filter(|window| {
            window[0].kind == Kind::Word
                && window[0].text == "feature"
                && window[1].text == "="
                && window[2].kind == Kind::String
                && FEATURES.contains(&window[2].text)
        })
        .map(|window| {
            let feature = window[2].text;
            let what = format!("the feature {feature} may be asked in {ALLOWED} only");
            file.violation(window[0].line, &what)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::lexer::tokens;

    fn found(path: &str, text: &str) -> Vec<String> {
        let file = File {
            path: path.into(),
            text: text.into(),
        };
        check(&file, &tokens(&file.text))
    }

    #[test]
    fn a_backend_asked_elsewhere_is_found() {
        for text in [
            "#[cfg(feature = \"rustls\")]\nfn f() {}",
            "#![cfg(all(unix, not(feature=\"openssl\")))]",
            "#[cfg_attr(feature = \"openssl-vendored\", path = \"a.rs\")] mod a;",
            "fn f() -> bool { cfg!(any(feature\n= \"boring\", unix)) }",
            "cfg_if! { if #[cfg(feature = \"native-tls\")] {} }",
        ] {
            let found = found("crates/socket/src/lib.rs", text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].starts_with("crates/socket/src/lib.rs:1: "));
        }
    }

    #[test]
    fn the_facade_may_ask() {
        let text = "#[cfg(feature = \"rustls\")]";
        assert!(found("crates/polytls/src/lib.rs", text).is_empty());
        assert_eq!(found("crates/polytls-cli/src/main.rs", text).len(), 1);
    }

    #[test]
    fn other_features_comments_and_text_are_not_meant() {
        for text in [
            "#[cfg(feature = \"aws-lc-rs\")]",
            "#[cfg(feature = \"tls\")]",
            "// #[cfg(feature = \"rustls\")]",
            "const T: &str = r#\"cfg(feature = \"rustls\")\"#;",
            "let backend = \"rustls\";",
        ] {
            assert!(found("crates/socket/src/lib.rs", text).is_empty(), "{text}");
        }
    }
}
