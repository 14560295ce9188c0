//! Rust source as words, signs and strings: enough to tell code from comments
//! and from text in strings.

/// One word, sign or string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    /// Of a string: what stands between the quotes.
    pub(crate) text: &'a str,
    /// Counted from 1.
    pub(crate) line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Sign,
    String,
}

/// The tokens of a file that compiles. Comments, numbers and characters are
/// left out.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer {
        rest: source,
        line: 1,
        tokens: Vec::new(),
    };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    /// Takes one piece; `false` at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else {
            return false;
        };
        if self.rest.starts_with("//") {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.take(block_comment(self.rest));
        } else if let Some(literal) = string(self.rest) {
            let line = self.line;
            let whole = self.take(literal.end);
            let text = &whole[literal.text.0..literal.text.1];
            self.push(Kind::String, text, line);
        } else if first == '\'' {
            self.take(character(self.rest));
        } else if first == '_' || first.is_alphanumeric() {
            let word = |c: char| c == '_' || c.is_alphanumeric();
            let end = self.rest.find(|c| !word(c)).unwrap_or(self.rest.len());
            let text = self.take(end);
            if !first.is_numeric() {
                self.push(Kind::Word, text, self.line);
            }
        } else {
            let text = self.take(first.len_utf8());
            if !first.is_whitespace() {
                self.push(Kind::Sign, text, self.line);
            }
        }
        true
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn push(&mut self, kind: Kind, text: &'a str, line: usize) {
        self.tokens.push(Token { kind, text, line });
    }
}

/// The length of a comment that may hold others.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// A string literal at the start of a text: where it ends, and what of it
/// stands between the quotes.
struct Literal {
    text: (usize, usize),
    end: usize,
}

fn string(text: &str) -> Option<Literal> {
    let prefix = ["br", "cr", "r", "b", "c", ""]
        .into_iter()
        .find(|prefix| text.starts_with(prefix))?;
    let after = &text[prefix.len()..];
    let raw = prefix.ends_with('r');
    let hashes = if raw {
        after.len() - after.trim_start_matches('#').len()
    } else {
        0
    };
    let inside = after[hashes..].strip_prefix('"')?;
    let start = text.len() - inside.len();
    let length = if raw {
        let close = format!("\"{}", "#".repeat(hashes));
        inside.find(&close).unwrap_or(inside.len())
    } else {
        unescaped(inside, '"')
    };
    let close = start + length;
    Some(Literal {
        text: (start, close),
        end: text.len().min(close + 1 + hashes),
    })
}

/// The length of `'x'`, or of the quote of a lifetime.
fn character(text: &str) -> usize {
    let inside = &text[1..];
    let mut chars = inside.chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => text.len().min(1 + unescaped(inside, '\'') + 1),
        (Some(one), Some('\'')) => 1 + one.len_utf8() + 1,
        _ => 1,
    }
}

/// Where a quote stands that no backslash hides, or the end.
fn unescaped(text: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            c if c == quote => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<&str> {
        tokens(source)
            .into_iter()
            .filter(|token| token.kind == Kind::Word)
            .map(|token| token.text)
            .collect()
    }

    fn strings(source: &str) -> Vec<&str> {
        tokens(source)
            .into_iter()
            .filter(|token| token.kind == Kind::String)
            .map(|token| token.text)
            .collect()
    }

    #[test]
    fn comments_hold_no_words() {
        assert_eq!(words("a // b\nc /* d /* e */ f */ g //"), ["a", "c", "g"]);
    }

    #[test]
    fn strings_hold_no_words() {
        let source = "a \"b \\\" c\" r#\"d \" e\"# b\"f\" br##\"g\"# h\"## c\"i\" r\"j\" k";
        assert_eq!(words(source), ["a", "k"]);
        let inside = ["b \\\" c", "d \" e", "f", "g\"# h", "i", "j"];
        assert_eq!(strings(source), inside);
    }

    #[test]
    fn a_quote_as_a_character_opens_no_string() {
        assert_eq!(words("a '\"' b '\\'' c b'\"' d"), ["a", "b", "c", "b", "d"]);
    }

    #[test]
    fn a_lifetime_is_no_character() {
        let source = "fn f<'a>(x: &'a str, y: &'static str) { '_' }";
        assert!(words(source).contains(&"static"));
        assert_eq!(words(source).last(), Some(&"str"));
    }

    #[test]
    fn a_raw_word_is_a_word() {
        assert!(words("r#type rest").contains(&"type"));
    }

    #[test]
    fn lines_are_counted_through_comments_and_strings() {
        let lines: Vec<usize> = tokens("a\n/*\n*/ b\n\"x\ny\" c")
            .iter()
            .map(|token| token.line)
            .collect();
        assert_eq!(lines, [1, 3, 4, 5]);
    }

    #[test]
    fn text_that_breaks_off_ends_the_tokens() {
        for source in ["\"", "r#\"", "'", "'\\", "/*", "b", "é'é", "\"\\"] {
            tokens(source);
        }
    }
}
