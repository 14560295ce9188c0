//! The table of capabilities in README.md.

use std::fs;

use crate::command::{Failure, Outcome, cargo, root};

const FILE: &str = "README.md";
const BEGIN: &str = "<!-- capabilities:begin -->";
const END: &str = "<!-- capabilities:end -->";

/// Writes the table that the code has now.
pub(crate) fn write() -> Outcome {
    let (old, new) = old_and_new()?;
    if old == new {
        println!("{FILE} is up to date");
        return Ok(());
    }
    fs::write(root().join(FILE), new)
        .map_err(|error| Failure::new(format!("cannot write {FILE}: {error}")))
}

/// Fails when the table is not the one that the code has now.
pub(crate) fn check() -> Outcome {
    let (old, new) = old_and_new()?;
    if old == new {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the table of capabilities in {FILE} is out of date; write it with\n\n    cargo xtask readme\n"
    )))
}

fn old_and_new() -> Outcome<(String, String)> {
    let old = fs::read_to_string(root().join(FILE))
        .map_err(|error| Failure::new(format!("cannot read {FILE}: {error}")))?;
    // The command's default features: what a library can do depends on its
    // build, so the table is that of the OpenSSL that we build ourselves.
    let print = cargo("run --quiet --package polytls-cli -- backends --markdown");
    println!("$ {print}");
    let new = replaced(&old, &print.read()?)?;
    Ok((old, new))
}

/// `text` with `table` between the two marks.
fn replaced(text: &str, table: &str) -> Outcome<String> {
    let split = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let Some((before, after)) = split else {
        return Err(Failure::new(format!(
            "{FILE} has no place for the table: {BEGIN} and, below it, {END}"
        )));
    };
    let table = table.trim();
    if table.is_empty() {
        return Err(Failure::new("the table of capabilities is empty"));
    }
    Ok(format!("{before}{BEGIN}\n\n{table}\n\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let once = replaced(&text, "| new |\n").unwrap();
        assert_eq!(once, format!("a\n{BEGIN}\n\n| new |\n\n{END}\nb\n"));
        assert_eq!(replaced(&once, "| new |\n").unwrap(), once);
        assert_ne!(replaced(&once, "| newer |\n").unwrap(), once);
    }

    #[test]
    fn a_text_without_both_marks_in_order_is_refused() {
        for text in ["", BEGIN, END, &format!("{END}{BEGIN}")] {
            assert!(replaced(text, "table").is_err(), "{text}");
        }
    }

    #[test]
    fn an_empty_table_is_refused() {
        assert!(replaced(&format!("{BEGIN}{END}"), " \n").is_err());
    }
}
