//! Where the same test ends in another error on another backend.

use std::collections::{BTreeMap, BTreeSet};

use crate::bogo::expectations::Expectations;
use crate::bogo::play::Play;
use crate::command::Outcome;

/// By test: the error that BoringSSL has for it, and each backend's symbol.
type Symbols = BTreeMap<String, (String, BTreeMap<&'static str, String>)>;

/// Runs every backend so that each failing test tells its error, and prints
/// the table of those that differ.
pub(crate) fn print(play: &Play<'_>, backends: &[&'static str]) -> Outcome {
    let mut symbols = Symbols::new();
    for backend in backends {
        let config = Expectations::load(backend)?.config_without_errors();
        let results = play.run(backend, &config, false)?;
        for (test, wanted, symbol) in results.errors() {
            let (_, by_backend) = symbols
                .entry(test.to_owned())
                .or_insert_with(|| (wanted.to_owned(), BTreeMap::new()));
            by_backend.insert(*backend, symbol.to_owned());
        }
    }
    print!("{}", table(&symbols));
    Ok(())
}

/// One line for each way to differ: BoringSSL's error, how many tests, each
/// backend's error, and one of the tests.
fn table(symbols: &Symbols) -> String {
    let mut rows: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
    let mut same = 0;
    for (test, (wanted, by_backend)) in symbols {
        let different: BTreeSet<_> = by_backend.values().collect();
        if different.len() < 2 {
            same += usize::from(by_backend.len() > 1);
            continue;
        }
        let shown: Vec<String> = by_backend
            .iter()
            .map(|(backend, symbol)| format!("{backend} {}", symbol.trim_matches(':')))
            .collect();
        rows.entry((wanted, shown.join(", ")))
            .or_default()
            .push(test);
    }
    let differing: usize = rows.values().map(Vec::len).sum();
    let mut table = format!("{same} tests end in the same error on all backends that run them\n");
    table += &format!("{differing} tests end in different errors\n");
    for ((wanted, shown), tests) in rows {
        let count = tests.len();
        table += &format!("{wanted} ({count}, such as {}): {shown}\n", tests[0]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_has_a_row_and_rows_of_one_kind_are_joined() {
        let mut symbols = Symbols::new();
        for (test, one, two) in [
            ("A", ":X:", ":Y:"),
            ("B", ":X:", ":Y:"),
            ("C", ":X:", ":X:"),
        ] {
            let by_backend = [("one", one.to_owned()), ("two", two.to_owned())];
            symbols.insert(test.into(), (":E:".into(), by_backend.into()));
        }
        let alone = [("one", ":X:".to_owned())];
        symbols.insert("D".into(), (":E:".into(), alone.into()));
        let table = table(&symbols);
        assert!(table.starts_with("1 tests end in the same"), "{table}");
        assert!(
            table.contains("\n:E: (2, such as A): one X, two Y\n"),
            "{table}"
        );
        assert_eq!(table.lines().count(), 3);
    }
}
