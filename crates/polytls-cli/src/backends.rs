//! `polytls backends`.

use std::io::{self, Write};

use anstream::stdout;
use polytls::Backend;
use polytls::tls::{BackendInfo, Capabilities, TlsBackend};
use serde::Serialize;

use crate::args;
use crate::failure::Failure;
use crate::style;

pub(crate) fn run(args: &args::Backends) -> Result<(), Failure> {
    let infos: Vec<_> = Backend::available().iter().map(TlsBackend::info).collect();
    let written = if args.json {
        json(&infos)
    } else if args.markdown {
        markdown(&infos)
    } else {
        table(&infos)
    };
    written.map_err(Failure::output)
}

/// `client, server`, `client`, `server` or nothing.
fn roles(info: &BackendInfo, flag: Capabilities) -> &'static str {
    match (info.client.contains(flag), info.server.contains(flag)) {
        (true, true) => "client, server",
        (true, false) => "client",
        (false, true) => "server",
        (false, false) => "-",
    }
}

fn sentence(flag: Capabilities) -> &'static str {
    flag.sentence().unwrap_or_default()
}

fn table(infos: &[BackendInfo]) -> io::Result<()> {
    let mut out = stdout().lock();
    if infos.is_empty() {
        return writeln!(
            out,
            "This build has no backend: build it with a backend's feature."
        );
    }
    for info in infos {
        let (name, fips) = (info.name, if info.fips { ", FIPS mode" } else { "" });
        writeln!(
            out,
            "{}{name}{} is {}{fips}",
            style::GOOD,
            style::END,
            info.library
        )?;
        writeln!(out, "  suites   {}", join(&info.cipher_suites))?;
        writeln!(out, "  groups   {}", join(&info.groups))?;
        writeln!(out, "  schemes  {}", join(&info.signature_schemes))?;
    }
    writeln!(out)?;
    write!(out, "{}{:24}", style::HEAD, "capability")?;
    for info in infos {
        write!(out, "{:16}", info.name)?;
    }
    writeln!(out, "what it promises{}", style::END)?;
    for (name, flag) in Capabilities::all().iter_names() {
        write!(out, "{name:24}")?;
        for info in infos {
            let roles = roles(info, flag);
            let style = if roles == "-" {
                style::BAD
            } else {
                style::GOOD
            };
            write!(out, "{style}{roles:16}{}", style::END)?;
        }
        writeln!(out, "{}", sentence(flag))?;
    }
    Ok(())
}

fn join(items: &[impl ToString]) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Without library versions, so that a document does not change with them.
fn markdown(infos: &[BackendInfo]) -> io::Result<()> {
    let mut out = stdout().lock();
    write!(out, "| capability | what it promises |")?;
    for info in infos {
        write!(out, " {} |", info.name)?;
    }
    write!(out, "\n|---|---|")?;
    for _ in infos {
        write!(out, "---|")?;
    }
    writeln!(out)?;
    for (name, flag) in Capabilities::all().iter_names() {
        write!(out, "| `{name}` | {} |", sentence(flag))?;
        for info in infos {
            write!(out, " {} |", roles(info, flag))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Described {
    name: &'static str,
    library: String,
    fips: bool,
    client: Vec<&'static str>,
    server: Vec<&'static str>,
    cipher_suites: Vec<&'static str>,
    groups: Vec<&'static str>,
    signature_schemes: Vec<&'static str>,
}

fn json(infos: &[BackendInfo]) -> io::Result<()> {
    let names = |flags: Capabilities| flags.iter_names().map(|(name, _)| name).collect();
    let described: Vec<_> = infos
        .iter()
        .map(|info| Described {
            name: info.name,
            library: info.library.clone(),
            fips: info.fips,
            client: names(info.client),
            server: names(info.server),
            cipher_suites: info
                .cipher_suites
                .iter()
                .map(|suite| suite.name())
                .collect(),
            groups: info.groups.iter().map(|group| group.name()).collect(),
            signature_schemes: info
                .signature_schemes
                .iter()
                .map(|scheme| scheme.name())
                .collect(),
        })
        .collect();
    let mut out = stdout().lock();
    serde_json::to_writer_pretty(&mut out, &described)?;
    writeln!(out)
}
