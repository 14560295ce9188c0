//! `cargo xtask bench`: each backend beside the same library used directly.

mod bounds;
mod compare;
mod measurement;
mod page;
mod program;
mod saved;
mod table;
mod units;
mod valgrind;

use std::path::PathBuf;

use clap::Args;

use crate::bench::bounds::{Bounds, Verdict};
use crate::bench::compare::Changes;
use crate::bench::measurement::{Instrument, Pair};
use crate::bench::program::{Program, Selection};
use crate::bench::saved::Run;
use crate::command::{Failure, Outcome};
use crate::metadata;

pub(crate) use crate::bench::valgrind::is_there as can_count;

/// What is measured, and what is done with it.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Only scenarios whose id has this in it
    #[arg(long)]
    filter: Option<String>,
    /// Only this backend
    #[arg(long)]
    backend: Option<String>,
    /// Only this instrument; may be given several times
    #[arg(long, value_name = "INSTRUMENT")]
    instrument: Vec<Instrument>,
    /// The same as `--instrument instructions`
    #[arg(long)]
    instructions: bool,
    /// Fail when a ratio of instructions is above its bound in
    /// benches/bounds.json; of a small fixed set if nothing is selected
    #[arg(long)]
    check: bool,
    /// Fewer rounds: a first look, with wide intervals
    #[arg(long)]
    quick: bool,
    /// Measure nothing; take the results of these saved runs
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["filter", "backend", "instrument", "instructions", "quick"])]
    from: Vec<PathBuf>,
    /// Say what changed since this saved run
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Fail when something got slower since the run of `--compare`
    #[arg(long, requires = "compare")]
    fail_on_regression: bool,
    /// Where results and report go, instead of target/bench
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The name of the file of results, instead of the date
    #[arg(long)]
    name: Option<String>,
}

/// All instruments, the quickest first.
const ALL: [Instrument; 6] = [
    Instrument::Calls,
    Instrument::Heap,
    Instrument::Idle,
    Instrument::Instructions,
    Instrument::Allocations,
    Instrument::Wall,
];

/// Checks the small fixed set. Answers the figures in a line.
pub(crate) fn check() -> Outcome<String> {
    run(&Options {
        check: true,
        ..Options::default()
    })
}

/// Measures, prints, writes, and fails where that was asked for.
pub(crate) fn run(options: &Options) -> Outcome<String> {
    let bounds = Bounds::load()?;
    let old = options.compare.as_deref().map(Run::load).transpose()?;
    let run = match options.from.as_slice() {
        [] => measure(options, &bounds)?,
        files => Run::merged(files)?,
    };
    println!("{}", table::pairs(&run.results));
    println!("{}", table::backends(&run.results));
    write(options, &run, &bounds)?;
    let mut wrong = Vec::new();
    let mut note = format!("{} results", run.results.len());
    if options.check {
        let counted = run.results.iter();
        let counted: Vec<_> = counted
            .filter(|result| result.instrument == Instrument::Instructions)
            .cloned()
            .collect();
        let verdicts = bounds.judge(&counted)?;
        println!("bounds:\n\n{}", table::verdicts(&verdicts));
        let failed = verdicts.iter().filter(|verdict| !verdict.passes()).count();
        note = within_bounds(&verdicts)?;
        if failed > 0 {
            wrong.push(format!("{failed} ratios are above their bound"));
        }
    }
    if let Some(old) = &old {
        if old.about != run.about {
            println!("note: the saved run was on another machine or of other versions");
        }
        let changes = Changes::between(old, &run);
        println!("since {}:\n{}", old.date, changes.text());
        if options.fail_on_regression && changes.regressed() {
            wrong.push(format!("{} results got slower", changes.slower.len()));
        }
    }
    if wrong.is_empty() {
        return Ok(note);
    }
    Err(Failure::new(wrong.join("; ")))
}

fn within_bounds(verdicts: &[Verdict<'_>]) -> Outcome<String> {
    let worst = verdicts
        .iter()
        .filter_map(|verdict| Some((verdict.result.ratio?, verdict.result)))
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let Some((ratio, result)) = worst else {
        return Err(Failure::new("nothing was counted, so nothing was checked"));
    };
    let (id, backend) = (&result.id, &result.backend);
    Ok(format!(
        "{} ratios, the largest {ratio:.4} ({id} {backend})",
        verdicts.len()
    ))
}

fn measure(options: &Options, bounds: &Bounds) -> Outcome<Run> {
    let instruments = options.instruments(valgrind::is_there())?;
    let program = Program::build()?;
    let mut run = Run::begin(program.about()?)?;
    let selection = Selection {
        filter: options.filter.as_deref(),
        backend: options.backend.as_deref(),
        quick: options.quick,
    };
    for instrument in instruments {
        let results = match instrument {
            Instrument::Wall | Instrument::Heap | Instrument::Idle | Instrument::Calls => {
                program.measure(instrument, &selection)?
            }
            Instrument::Instructions | Instrument::Allocations => {
                let pairs = pairs(options, &program, &selection, bounds)?;
                valgrind::count(&program, instrument, &pairs, options.quick)?
            }
        };
        run.add(results);
    }
    if run.results.is_empty() {
        return Err(Failure::new("nothing that can be measured was selected"));
    }
    Ok(run)
}

/// The pairs to count.
fn pairs(
    options: &Options,
    program: &Program,
    selection: &Selection<'_>,
    bounds: &Bounds,
) -> Outcome<Vec<Pair>> {
    let mut pairs = program.list(selection)?;
    pairs.retain(|pair| valgrind::can_count(&pair.id));
    if !options.check || options.filter.is_some() || options.backend.is_some() {
        return Ok(pairs);
    }
    let small = bounds.small_set();
    // A scenario that is gone must not make the check pass.
    if let Some(gone) = small.iter().find(|pair| !pairs.contains(pair)) {
        return Err(Failure::new(format!(
            "backend-bench has no {gone}, which is in the small set of benches/bounds.json"
        )));
    }
    Ok(small)
}

/// Writes the results and the report.
fn write(options: &Options, run: &Run, bounds: &Bounds) -> Outcome {
    let folder = match &options.out {
        Some(folder) => folder.clone(),
        None => metadata::target()?.join("bench"),
    };
    let name = options.name.clone().unwrap_or_else(|| run.name());
    let results = folder.join(format!("{name}.json"));
    run.save(&results)?;
    let report = folder.join("report.html");
    saved::write(&report, &page::html(run, bounds))?;
    println!("results: {}", results.display());
    println!("report: {}", report.display());
    if let Some(picture) = page::picture(run) {
        let file = folder.join("defaults.svg");
        saved::write(&file, &picture)?;
        println!("its main figure: {}", file.display());
    }
    Ok(())
}

impl Options {
    /// The instruments to use. Without valgrind those that need it are left
    /// out, unless they were asked for.
    fn instruments(&self, has_valgrind: bool) -> Outcome<Vec<Instrument>> {
        let only_instructions = self.instructions || self.check;
        let all = !only_instructions && self.instrument.is_empty();
        let wanted = |instrument: &Instrument| {
            let named = self.instrument.contains(instrument);
            all || named || (only_instructions && *instrument == Instrument::Instructions)
        };
        let mut instruments: Vec<_> = ALL.into_iter().filter(wanted).collect();
        if has_valgrind || !instruments.iter().any(|wanted| wanted.needs_valgrind()) {
            return Ok(instruments);
        }
        if !all {
            return Err(Failure::new(
                "valgrind is not installed, and instructions and allocations are counted with \
                 it; install it with\n\n    cargo xtask setup\n\nor measure something else, as \
                 with `--instrument wall`",
            ));
        }
        println!("note: valgrind is not installed, so no instructions or allocations are counted");
        instruments.retain(|instrument| !instrument.needs_valgrind());
        Ok(instruments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(options: &Options, has_valgrind: bool) -> Option<Vec<Instrument>> {
        options.instruments(has_valgrind).ok()
    }

    #[test]
    fn all_instruments_are_used_unless_some_are_named() {
        assert_eq!(used(&Options::default(), true).unwrap(), ALL);
        let check = Options {
            check: true,
            ..Options::default()
        };
        assert_eq!(used(&check, true).unwrap(), [Instrument::Instructions]);
        let both = Options {
            instructions: true,
            instrument: vec![Instrument::Wall],
            ..Options::default()
        };
        let expected = [Instrument::Instructions, Instrument::Wall];
        assert_eq!(used(&both, true).unwrap(), expected);
    }

    #[test]
    fn without_valgrind_counts_are_left_out_but_not_when_asked_for() {
        let expected = [
            Instrument::Calls,
            Instrument::Heap,
            Instrument::Idle,
            Instrument::Wall,
        ];
        assert_eq!(used(&Options::default(), false).unwrap(), expected);
        let counted = Options {
            instrument: vec![Instrument::Allocations, Instrument::Wall],
            ..Options::default()
        };
        assert_eq!(used(&counted, false), None);
        let timed = Options {
            instrument: vec![Instrument::Wall],
            ..Options::default()
        };
        assert_eq!(used(&timed, false).unwrap(), [Instrument::Wall]);
        let check = Options {
            check: true,
            ..Options::default()
        };
        assert_eq!(used(&check, false), None);
    }
}
