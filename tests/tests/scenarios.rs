//! Runs every scenario over every pair of backends that is compiled in, with
//! the backends' own types (`static`) and behind `AnyBackend` (`any`).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use conformance::pki::{HOST, pki};
use conformance::scenario::{Case, Missing, Scenario, role_name, version_name};
use conformance::scenarios::{Depth, all, layers, solo};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use polytls::tls::{
    AnyBackend, Capabilities, ClientConfig, Error, Role, ServerConfig, TlsBackend,
    parse_server_name,
};
use polytls::{Backend, BackendVisitor, visit_backends};

fn main() -> ExitCode {
    remember_where_panics_come_from();
    let arguments = Arguments::from_args();
    let ignored = Ignored::default();
    let mut trials = Vec::new();
    visit_backends(&mut Clients {
        trials: &mut trials,
        ignored: &ignored,
    });
    for client in Backend::available() {
        add_solos(&mut trials, "any", &client);
        add_strangers(&mut trials, &client);
        for server in Backend::available() {
            add_pair(
                &mut trials,
                &ignored,
                "any",
                Depth::Sample,
                &client,
                &server,
            );
            for scenario in layers::all() {
                add_scenario(&mut trials, &ignored, "any", (&client, &server), scenario);
            }
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        ignored.print();
    }
    conclusion.exit_code()
}

/// Shown each client's backend.
struct Clients<'a> {
    trials: &'a mut Vec<Trial>,
    ignored: &'a Ignored,
}

impl BackendVisitor for Clients<'_> {
    fn visit<C: TlsBackend>(&mut self, client: C) {
        add_solos(self.trials, "static", &client);
        visit_backends(&mut Servers {
            trials: self.trials,
            ignored: self.ignored,
            client,
        });
    }
}

/// Shown each server's backend, for one client's.
struct Servers<'a, C> {
    trials: &'a mut Vec<Trial>,
    ignored: &'a Ignored,
    client: C,
}

impl<C: TlsBackend> BackendVisitor for Servers<'_, C> {
    fn visit<S: TlsBackend>(&mut self, server: S) {
        add_pair(
            self.trials,
            self.ignored,
            "static",
            Depth::Full,
            &self.client,
            &server,
        );
    }
}

fn add_pair<C: TlsBackend, S: TlsBackend>(
    trials: &mut Vec<Trial>,
    ignored: &Ignored,
    kind: &str,
    depth: Depth,
    client: &C,
    server: &S,
) {
    let names = format!("{}::{}", client.info().name, server.info().name);
    let mut proved = [Capabilities::empty(); 2];
    for scenario in all::<C, S>(depth) {
        proved[0] |= scenario.client.proves;
        proved[1] |= scenario.server.proves;
        add_scenario(trials, ignored, kind, (client, server), scenario);
    }
    let advertised = [client.info().client, server.info().server];
    let prove = move || {
        for (role, (advertised, proved)) in [Role::Client, Role::Server]
            .into_iter()
            .zip(advertised.into_iter().zip(proved))
        {
            let unproved = advertised - proved;
            if !unproved.is_empty() {
                return Err(format!("{unproved} of the {} is unproved", role_name(role)).into());
            }
        }
        Ok(())
    };
    let name = format!("every_advertised_flag_is_proved::{names}");
    trials.push(Trial::test(name, prove).with_kind(kind));
}

/// A case for each version that it runs for.
fn add_scenario<C: TlsBackend, S: TlsBackend>(
    trials: &mut Vec<Trial>,
    ignored: &Ignored,
    kind: &str,
    (client, server): (&C, &S),
    scenario: Scenario<C, S>,
) {
    let names = format!("{}::{}", client.info().name, server.info().name);
    let scenario = Arc::new(scenario);
    for version in scenario.runs() {
        let name = format!("{}::{}::{names}", scenario.name, version_name(version));
        let (scenario, ignored) = (Arc::clone(&scenario), ignored.clone());
        let (client, server) = (client.clone(), server.clone());
        let run = move || {
            let case = Case::new(client, server, version);
            if let Some(missing) = scenario.missing(&case) {
                return Ok(ignored.because(missing));
            }
            located(|| (scenario.run)(&case)).map(|()| Completion::Completed)
        };
        trials.push(Trial::ignorable_test(name, run).with_kind(kind));
    }
}

fn add_solos<B: TlsBackend>(trials: &mut Vec<Trial>, kind: &str, backend: &B) {
    for solo::Solo { name, run } in solo::all(backend) {
        trials.push(Trial::test(name, move || located(run)).with_kind(kind));
    }
}

/// Behind `AnyBackend` a context may reach a backend that did not make it, or
/// the other role.
fn add_strangers(trials: &mut Vec<Trial>, backend: &AnyBackend) {
    for maker in Backend::available() {
        let names = (maker.info().name, backend.info().name);
        let name = format!("a_strange_context_is_refused::{}::{}", names.0, names.1);
        let backend = backend.clone();
        let refuse = move || {
            let pki = pki();
            let client = ClientConfig::builder().roots(pki.roots.clone()).build();
            let client = maker.client(&client.expect("a config")).expect("a context");
            let server = ServerConfig::builder().identity(pki.p256.clone()).build();
            let server = maker.server(&server.expect("a config")).expect("a context");
            let host = parse_server_name(HOST).expect("a name");
            let of_another = names.0 != names.1;
            for (is_strange, result) in [
                (of_another, backend.connect(&client, &host)),
                (true, backend.connect(&server, &host)),
                (of_another, backend.accept(&server)),
                (true, backend.accept(&client)),
            ] {
                let is_refused =
                    matches!(&result, Err(Error::Config(error)) if error.field == "context");
                assert_eq!(is_refused, is_strange, "{result:?}");
                assert_eq!(result.is_err(), is_strange, "{result:?}");
            }
        };
        trials.push(Trial::test(name, move || located(refuse)).with_kind("any"));
    }
}

/// Why cases were ignored, and how often.
#[derive(Clone, Default)]
struct Ignored(Arc<Mutex<BTreeMap<String, usize>>>);

impl Ignored {
    fn because(&self, missing: Missing) -> Completion {
        let mut counts = self.0.lock().expect("the counts");
        *counts.entry(missing.to_string()).or_default() += 1;
        Completion::ignored_with(missing)
    }

    fn print(&self) {
        for (reason, count) in &*self.0.lock().expect("the counts") {
            println!("ignored {count:>4}: {reason}");
        }
    }
}

thread_local!(static PLACE: RefCell<String> = const { RefCell::new(String::new()) });

/// A failed trial shall tell the place, and all panics are failed trials.
fn remember_where_panics_come_from() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        PLACE.with_borrow_mut(|last| *last = place.unwrap_or_default());
    }));
}

fn located(run: impl FnOnce()) -> Result<(), Failed> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without words");
        Failed::from(format!("{} at {}", words, PLACE.with_borrow(String::clone)))
    })
}
