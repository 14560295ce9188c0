//! The table of capabilities in the documents.

use std::fs;

use crate::command::{Failure, Outcome, cargo, root};

/// The documents that have it.
const FILES: [&str; 2] = ["README.md", "docs/src/backends.md"];
const BEGIN: &str = "<!-- capabilities:begin -->";
const END: &str = "<!-- capabilities:end -->";

/// Writes the table that the code has now.
pub(crate) fn write() -> Outcome {
    for Document { file, old, new } in documents()? {
        if old == new {
            println!("{file} is up to date");
            continue;
        }
        fs::write(root().join(file), new)
            .map_err(|error| Failure::new(format!("cannot write {file}: {error}")))?;
    }
    Ok(())
}

/// Fails when a table is not the one that the code has now.
pub(crate) fn check() -> Outcome {
    for Document { file, old, new } in documents()? {
        if old != new {
            return Err(Failure::new(format!(
                "the table of capabilities in {file} is out of date; write it with\n\n    \
                 cargo xtask readme\n"
            )));
        }
    }
    Ok(())
}

/// A document as it is and as it should be.
struct Document {
    file: &'static str,
    old: String,
    new: String,
}

fn documents() -> Outcome<Vec<Document>> {
    // What a library can do depends on its build: the table is that of the
    // OpenSSL that is built from source.
    let print =
        cargo("run --quiet --package polytls-cli --features all-backends -- backends --markdown");
    println!("$ {print}");
    let table = of_any_kernel(&print.read()?);
    let document = |file| {
        let old = fs::read_to_string(root().join(file))
            .map_err(|error| Failure::new(format!("cannot read {file}: {error}")))?;
        let new = replaced(file, &old, &table)?;
        Ok(Document { file, old, new })
    };
    FILES.into_iter().map(document).collect()
}

/// The flags that are the kernel's to keep, and one that every backend has
/// which can do its part: it shows its secrets.
const BY_KERNEL: [&str; 2] = ["| `KTLS_TX` |", "| `KTLS_RX` |"];
const SHOWS_SECRETS: &str = "| `KEY_LOG` |";

/// The table as it would be on another kernel: this one's shall not decide what
/// the documents say.
fn of_any_kernel(table: &str) -> String {
    let cells = |row: &str| {
        row.split(" | ")
            .skip(2)
            .map(String::from)
            .collect::<Vec<_>>()
    };
    let shows = table.lines().find(|row| row.starts_with(SHOWS_SECRETS));
    let shows = shows.map(cells).unwrap_or_default();
    let mut lines = Vec::new();
    for row in table.lines() {
        let by_kernel = BY_KERNEL.iter().any(|flag| row.starts_with(flag));
        if !by_kernel {
            lines.push(row.to_owned());
            continue;
        }
        let head = row.split(" | ").take(2).map(String::from);
        let roles = shows.iter().map(|cell| match cell.trim_end_matches(" |") {
            "-" => "-".to_owned(),
            roles => format!("{roles}, if the kernel has it"),
        });
        let cells: Vec<String> = head.chain(roles).collect();
        lines.push(format!("{} |", cells.join(" | ")));
    }
    lines.join("\n")
}

/// `text` with `table` between the two marks.
fn replaced(file: &str, text: &str, table: &str) -> Outcome<String> {
    let split = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let Some((before, after)) = split else {
        return Err(Failure::new(format!(
            "{file} has no place for the table: {BEGIN} and, below it, {END}"
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
        let once = replaced("a", &text, "| new |\n").unwrap();
        assert_eq!(once, format!("a\n{BEGIN}\n\n| new |\n\n{END}\nb\n"));
        assert_eq!(replaced("a", &once, "| new |\n").unwrap(), once);
        assert_ne!(replaced("a", &once, "| newer |\n").unwrap(), once);
    }

    #[test]
    fn a_text_without_both_marks_in_order_is_refused() {
        for text in ["", BEGIN, END, &format!("{END}{BEGIN}")] {
            assert!(replaced("a", text, "table").is_err(), "{text}");
        }
    }

    #[test]
    fn the_kernel_of_this_machine_is_not_told() {
        let with = "| capability | what | one | two |\n\
                    | `KEY_LOG` | Secrets. | client, server | - |\n\
                    | `KTLS_TX` | The kernel. | client, server | - |";
        let without = with.replace("kernel. | client, server |", "kernel. | - |");
        let expected = with.replace(
            "kernel. | client, server |",
            "kernel. | client, server, if the kernel has it |",
        );
        assert_eq!(of_any_kernel(with), expected);
        assert_eq!(of_any_kernel(&without), expected);
    }

    #[test]
    fn an_empty_table_is_refused() {
        assert!(replaced("a", &format!("{BEGIN}{END}"), " \n").is_err());
    }
}
