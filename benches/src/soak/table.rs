//! What all came to, in columns.

use std::fmt::Write;

use super::backend::Row;
use crate::library::Outcome;

const COLUMNS: [&str; 8] = [
    "backend",
    "connections",
    "handshakes/s",
    "idle CPU",
    "of the clients",
    "heap each",
    "storm",
    "outcome",
];

/// A line for each backend.
pub(super) fn of(rows: &[(&str, Outcome<Row>)]) -> String {
    let mut lines = vec![COLUMNS.map(str::to_owned)];
    lines.extend(rows.iter().map(|(backend, tried)| match tried {
        Ok(row) => passed(backend, row),
        Err(error) => {
            let mut line = COLUMNS.map(|_| "-".to_owned());
            line[0] = (*backend).to_owned();
            line[COLUMNS.len() - 1] = format!("FAILED: {error}");
            line
        }
    }));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<_> = (0..COLUMNS.len())
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for (cell, &width) in line.iter().zip(&widths) {
            let _ = write!(row, "{cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text
}

fn passed(backend: &str, row: &Row) -> [String; COLUMNS.len()] {
    let percent = |share: f64| format!("{:.3} %", share * 100.0);
    let kilobytes = |octets: Option<f64>| {
        octets.map_or_else(
            || "-".to_owned(),
            |octets| format!("{:.1} KB", octets / 1e3),
        )
    };
    let (good, hostile) = (row.handshakes - row.hostile, row.hostile);
    [
        backend.to_owned(),
        row.connections.to_string(),
        format!("{:.0}", row.rate),
        percent(row.idle),
        percent(row.clients_idle),
        kilobytes(row.heap),
        format!(
            "{good} good in {:.2} s, {hostile} hostile",
            row.storm.as_secs_f64()
        ),
        "passed".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_failure_stands_beside_what_passed() {
        let row = Row {
            connections: 10_000,
            rate: 1234.4,
            idle: 0.000_02,
            clients_idle: 0.0,
            heap: Some(12_340.0),
            handshakes: 1000,
            hostile: 100,
            storm: Duration::from_millis(1500),
        };
        let rows = [("rustls", Ok(row)), ("boring", Err("it broke".into()))];
        let text = of(&rows);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        for told in [
            "10000",
            "1234",
            "0.002 %",
            "12.3 KB",
            "900 good in 1.50 s",
            "passed",
        ] {
            assert!(lines[1].contains(told), "{told}: {text}");
        }
        assert!(lines[2].ends_with("FAILED: it broke"), "{text}");
    }
}
