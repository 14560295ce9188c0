//! Words that stand for unfinished work.

use super::source::File;

/// Put together here, so that this file does not hold them.
const WORDS: &[&str] = &[
    concat!("dbg", "!"),
    concat!("todo", "!"),
    concat!("FIX", "ME"),
    concat!("HA", "CK"),
];

/// Every such word, in code, comments and prose alike.
pub(crate) fn check(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for word in WORDS {
            if holds(line, word) {
                found.push(file.violation(index + 1, &format!("`{word}` may not appear")));
            }
        }
    }
    found
}

/// Whether the word stands in the line by itself, not as a part of another.
fn holds(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c == '_' || c.is_alphanumeric();
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let sign = word.ends_with('!');
        !before.is_some_and(part_of_word) && (sign || !after.is_some_and(part_of_word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        check(&File {
            path: "docs/a.md".into(),
            text: text.into(),
        })
    }

    #[test]
    fn each_word_is_found_with_its_line() {
        for word in WORDS {
            assert_eq!(found(&format!("fine\n// {word}(x)")).len(), 1, "{word}");
            let there = found(&format!("\n{word}"));
            assert!(there[0].starts_with("docs/a.md:2: "), "{there:?}");
        }
    }

    #[test]
    fn a_part_of_another_word_is_not_meant() {
        for text in ["SHACKLE", "my_dbg", "HACKATHON", "todo", "mastodo!n"] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
