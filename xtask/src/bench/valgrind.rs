//! Counts under valgrind: they repeat from run to run, and on a busy machine.

use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use crate::bench::measurement::{Instrument, Measurement, Pair};
use crate::bench::program::Program;
use crate::command::{Failure, Invocation, Outcome};

/// Part of the name of the function whose calls are counted, and nothing
/// around them.
const MEASURED: &str = "measured_by_callgrind";
/// The two sides of a pair.
const SUBJECTS: [&str; 2] = ["ours", "raw"];
/// Families of scenarios that go through the kernel, where a tool that sees
/// the program alone misses most of what happens.
const OVER_TCP: [&str; 6] = [
    "latency/",
    "throughput/",
    "connect/",
    "defaults/",
    "tokio/",
    "pool/",
];
/// Those of them that repeat all the same: a server whose requests are all there
/// before it begins.
const SERVERS: [&str; 2] = ["loop/", "tokio/server/"];

/// Whether valgrind is there.
pub(crate) fn is_there() -> bool {
    Invocation::parse("valgrind --version").succeeds()
}

/// Whether a scenario can be counted: it runs in memory, or repeats.
pub(crate) fn can_count(id: &str) -> bool {
    let is_of = |families: &[&str]| families.iter().any(|family| id.starts_with(family));
    is_of(&SERVERS) || !is_of(&OVER_TCP)
}

/// Counts instructions or allocations of each pair, on all cores at once.
pub(crate) fn count(
    program: &Program,
    instrument: Instrument,
    pairs: &[Pair],
    quick: bool,
) -> Outcome<Vec<Measurement>> {
    let folder = program.folder().join("valgrind");
    fs::create_dir_all(&folder)
        .map_err(|error| Failure::new(format!("cannot make {}: {error}", folder.display())))?;
    let tasks: Vec<(usize, &Pair, usize)> = pairs
        .iter()
        .enumerate()
        .flat_map(|(index, pair)| (0..SUBJECTS.len()).map(move |side| (index, pair, side)))
        .collect();
    println!("counting {instrument} of {} pairs", pairs.len());
    let counted = in_parallel(&tasks, |&(index, pair, side)| {
        let subject = SUBJECTS[side];
        let file = folder.join(format!("{instrument}-{index}-{subject}"));
        let figure = per_operation(program, instrument, pair, subject, quick, &file)?;
        eprintln!("{instrument}: {pair} {subject}: {figure:.1}");
        Ok(figure)
    })?;
    let results = pairs.iter().zip(counted.chunks_exact(SUBJECTS.len()));
    Ok(results
        .map(|(pair, sides)| Measurement::exact(pair, instrument, sides[0], sides[1]))
        .collect())
}

/// How much one operation takes, as the mean of many. The program does some
/// that are not counted before them, so that what only the first one does is
/// left out.
fn per_operation(
    program: &Program,
    instrument: Instrument,
    pair: &Pair,
    subject: &str,
    quick: bool,
    file: &Path,
) -> Outcome<f64> {
    let count = count_of(instrument, pair, quick);
    let mut totals = (0..runs_of(instrument, pair))
        .map(|_| total(program, instrument, pair, subject, count, file))
        .collect::<Outcome<Vec<u64>>>()?;
    totals.sort_unstable();
    Ok(as_float(totals[totals.len() / 2]) / f64::from(count))
}

/// Of how many runs the median is taken. What native-tls takes for a record
/// differs by 3 % from run to run, on either side of a pair.
fn runs_of(instrument: Instrument, pair: &Pair) -> u32 {
    let is_settled = pair.backend != "native-tls" || pair.id.starts_with("handshake/");
    match instrument {
        Instrument::Instructions if !is_settled => 7,
        _ => 1,
    }
}

/// How many operations give a steady figure. Handshakes of rustls differ from
/// each other more than those of the C libraries.
fn count_of(instrument: Instrument, pair: &Pair, quick: bool) -> u32 {
    let handshake = pair.id.starts_with("handshake/");
    let count = match instrument {
        Instrument::Allocations if handshake => 10,
        Instrument::Allocations => 100,
        // Each moves a mebibyte.
        _ if pair.id.contains("/throughput/") => 25,
        _ if handshake && pair.backend.starts_with("rustls") => 200,
        _ if handshake => 40,
        _ => 500,
    };
    if quick { count / 5 } else { count }
}

/// The total of so many operations.
fn total(
    program: &Program,
    instrument: Instrument,
    pair: &Pair,
    subject: &str,
    count: u32,
    file: &Path,
) -> Outcome<u64> {
    let (log, out) = (file.with_extension("log"), file.with_extension("out"));
    let tool = Invocation::parse("valgrind")
        .and_word(&format!("--log-file={}", log.display()))
        .and(&match instrument {
            Instrument::Allocations => "--tool=dhat --num-callers=200".to_owned(),
            _ => format!("--tool=callgrind --collect-atstart=no --toggle-collect=*{MEASURED}*"),
        })
        .and_word(&match instrument {
            Instrument::Allocations => format!("--dhat-out-file={}", out.display()),
            _ => format!("--callgrind-out-file={}", out.display()),
        });
    let run = program.run_under(tool, pair, subject, count);
    run.read()?;
    let text = fs::read_to_string(&out)
        .map_err(|error| Failure::new(format!("`{run}` left no results: {error}")))?;
    let total = match instrument {
        Instrument::Allocations => blocks(&text),
        _ => instructions(&text).filter(|&total| total > 0),
    };
    let total = total
        .ok_or_else(|| Failure::new(format!("`{run}` counted nothing: was {MEASURED} called?")))?;
    for file in [log, out] {
        // A file that stays is written over the next time.
        let _ = fs::remove_file(file);
    }
    Ok(total)
}

/// The total of a callgrind file.
fn instructions(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let line = line.or_else(|| text.lines().find_map(|line| line.strip_prefix("summary: ")));
    line?.split_whitespace().next()?.parse().ok()
}

/// The blocks that a DHAT file says were allocated under the measured
/// function, by Rust and by C alike.
fn blocks(text: &str) -> Option<u64> {
    let file: Value = serde_json::from_str(text).ok()?;
    let frames = file["ftbl"].as_array()?;
    let measured = |frame: &Value| {
        let index = frame.as_u64().and_then(|index| usize::try_from(index).ok());
        let name = index.and_then(|index| frames.get(index)?.as_str());
        name.is_some_and(|name| name.contains(MEASURED))
    };
    let mut total = 0_u64;
    for point in file["pps"].as_array()? {
        if point["fs"].as_array()?.iter().any(measured) {
            total = total.checked_add(point["tbk"].as_u64()?)?;
        }
    }
    Some(total)
}

/// Does all tasks on as many threads as there are cores; the answers are in
/// the order of the tasks. After a failure no new one is begun.
fn in_parallel<T: Sync, A: Send>(
    tasks: &[T],
    run: impl Fn(&T) -> Outcome<A> + Sync,
) -> Outcome<Vec<A>> {
    let queue = Mutex::new(tasks.iter().enumerate());
    let next = || queue.lock().ok()?.next();
    let failed = Mutex::new(None);
    let work = || {
        let mut done = Vec::new();
        while failed.lock().is_ok_and(|failed| failed.is_none())
            && let Some((index, task)) = next()
        {
            match run(task) {
                Ok(answer) => done.push((index, answer)),
                Err(failure) => {
                    if let Ok(mut failed) = failed.lock() {
                        failed.get_or_insert(failure);
                    }
                }
            }
        }
        done
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let mut done = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut done = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(answers) => done.extend(answers),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    if let Some(failure) = failed.into_inner().ok().flatten() {
        return Err(failure);
    }
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, answer)| answer).collect())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a count is far smaller than 2^53"
)]
fn as_float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_counted_an_odd_number_of_times() {
        let runs = |instrument, id: &str, backend: &str| {
            let (id, backend) = (id.to_owned(), backend.to_owned());
            runs_of(instrument, &Pair { id, backend })
        };
        let (record, handshake) = ("receive/aes128gcm/64", "handshake/tls13/client");
        assert_eq!(runs(Instrument::Instructions, record, "native-tls") % 2, 1);
        assert!(runs(Instrument::Instructions, record, "native-tls") > 1);
        assert_eq!(runs(Instrument::Instructions, record, "openssl"), 1);
        assert_eq!(runs(Instrument::Instructions, handshake, "native-tls"), 1);
        assert_eq!(runs(Instrument::Allocations, record, "native-tls"), 1);
    }

    #[test]
    fn the_total_of_a_callgrind_file_is_found() {
        let file = "events: Ir\nsummary: 2880\n\nfn=(1) main\n1 2\n\ntotals: 2879\n";
        assert_eq!(instructions(file), Some(2879));
        assert_eq!(instructions("summary: 7\n"), Some(7));
        assert_eq!(instructions("events: Ir\n"), None);
        assert_eq!(instructions("totals: many\n"), None);
    }

    #[test]
    fn only_blocks_under_the_measured_function_are_counted() {
        let file = r#"{"pps":[
            {"tbk":10,"fs":[1,2,3]}, {"tbk":7,"fs":[1,3]}, {"tbk":2,"fs":[1,4,2]}
        ],"ftbl":["[root]","0x1: malloc (in a)","0x2: bench::measured_by_callgrind (in b)",
            "0x3: main (in b)", "0x4: SSL_new (in b)"]}"#;
        assert_eq!(blocks(file), Some(12));
        assert_eq!(blocks(r#"{"pps":[],"ftbl":["[root]"]}"#), Some(0));
        assert_eq!(blocks(r#"{"pps":[{"fs":[9]}],"ftbl":[]}"#), Some(0));
        for broken in ["", "{}", r#"{"pps":[{}],"ftbl":[]}"#] {
            assert_eq!(blocks(broken), None, "{broken}");
        }
    }

    #[test]
    fn answers_are_in_the_order_of_the_tasks() {
        let tasks: Vec<u32> = (0..50).collect();
        let answers = in_parallel(&tasks, |task| Ok(task * 2)).unwrap();
        assert_eq!(
            answers,
            tasks.iter().map(|task| task * 2).collect::<Vec<_>>()
        );
    }

    #[test]
    fn one_failure_is_the_outcome_of_all() {
        let outcome = in_parallel(&[1, 2, 3], |&task| match task {
            2 => Err(Failure::new("two")),
            _ => Ok(task),
        });
        assert_eq!(outcome.unwrap_err().to_string(), "two");
    }

    #[test]
    fn what_goes_through_the_kernel_is_not_counted() {
        for id in [
            "handshake/tls13/ecdsa/x25519/client",
            "loop/round/64",
            "tokio/server/load",
        ] {
            assert!(can_count(id), "{id}");
        }
        for id in [
            "latency/64/p50",
            "connect/tls13",
            "defaults/round/64",
            "tokio/load",
            "pool/connect",
        ] {
            assert!(!can_count(id), "{id}");
        }
    }
}
