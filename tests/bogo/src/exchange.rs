//! One connection: what the shim does after the handshake, in the runner's order.

use polytls::tls::TlsBackend;

use crate::checks;
use crate::config::{self, judged};
use crate::ending::{Class, Ending, Missing};
use crate::hello;
use crate::session::Session;
use crate::settings::Settings;
use crate::wire::Wire;

/// Connects to the runner and plays the test.
pub(crate) fn run<B: TlsBackend>(backend: &B, settings: &Settings) -> Result<(), Ending> {
    let session = start(backend, settings)?;
    let wire = Wire::connect(settings)
        .map_err(|error| Ending::broken(format!("connecting to the runner: {error}")))?;
    let may_block = settings.asynchronous;
    let mut session = Session::new(backend, session, wire, may_block);
    let outcome = exchange(&mut session, settings);
    session.finish();
    outcome
}

/// A session of either role. Without a host name BoringSSL's shim sends none,
/// and neither does a client that is given an address.
fn start<B: TlsBackend>(backend: &B, settings: &Settings) -> Result<B::Session, Ending> {
    let info = backend.info();
    if settings.server {
        let config = config::server(settings, &info)?;
        let context = judged(backend.server(&config))?;
        return judged(backend.accept(&context));
    }
    let config = config::client(settings, &info)?;
    let context = judged(backend.client(&config))?;
    let name = settings.host_name.as_deref().unwrap_or("127.0.0.1");
    let name = polytls::tls::parse_server_name(name)
        .map_err(|_| Missing::new(Class::Api, "a server name that is no host name"))?;
    judged(backend.connect(&context, &name))
}

fn exchange<B: TlsBackend>(
    session: &mut Session<'_, B>,
    settings: &Settings,
) -> Result<(), Ending> {
    if !settings.implicit_handshake {
        session.handshake()?;
        settle(session, settings)?;
        if settings.repeat_handshake {
            session.handshake()?;
        }
    }
    if settings.export > 0 {
        let label = std::str::from_utf8(&settings.export_label)
            .map_err(|_| Missing::new(Class::Api, "an exporter's label that is not UTF-8"))?;
        let context = settings.use_export_context;
        let context = context.then_some(settings.export_context.as_slice());
        let secret = session.export(settings.export, label, context)?;
        session.write_all(&secret)?;
    }
    if settings.write_different_sizes {
        for size in [
            0, 1, 255, 256, 257, 16383, 16384, 16385, 32767, 32768, 32769,
        ] {
            session.write_all(&vec![0x42; size])?;
        }
    } else {
        talk(session, settings)?;
    }
    shut_down(session, settings)
}

/// What must hold once the handshake is done.
fn settle<B: TlsBackend>(session: &Session<'_, B>, settings: &Settings) -> Result<(), Ending> {
    let Some(facts) = session.facts() else {
        return Err(Ending::broken("the handshake is done without facts"));
    };
    if settings.handshake_never_done {
        return Err(Ending::broken("the handshake was not to be done"));
    }
    checks::facts(settings, facts)?;
    let wire = session.wire();
    let sent_by_server = match settings.server {
        true => wire.said(),
        false => wire.heard(),
    };
    hello::check(settings, sent_by_server)
}

/// Writes first if the test says so, then echoes what comes with every bit
/// turned, to the end.
fn talk<B: TlsBackend>(session: &mut Session<'_, B>, settings: &Settings) -> Result<(), Ending> {
    let mut unfinished = settings.read_with_unfinished_write;
    if unfinished {
        session.write_unfinished(&settings.initial_write)?;
    } else if settings.writes_first {
        for _ in 0..settings.repeat_initial_write {
            session.write_all(&settings.initial_write)?;
        }
    }
    if settings.shuts_down {
        return Ok(());
    }
    let mut settled = !settings.implicit_handshake;
    let mut buffer = vec![0; settings.read_size];
    loop {
        if settings.key_update_before_read {
            session.key_update()?;
        }
        let count = match session.read(&mut buffer) {
            // Without `-check-close-notify` any end will do.
            Err(Ending::Failed(polytls::tls::Error::Truncated))
                if !settings.check_close_notify && session.facts().is_some() =>
            {
                return Ok(());
            }
            other => other?,
        };
        if settings.export_between_reads {
            session.export(1, "", None)?;
        }
        if count == 0 {
            return Ok(());
        }
        if !std::mem::replace(&mut settled, true) {
            settle(session, settings)?;
        }
        if std::mem::take(&mut unfinished) {
            session.finish_write()?;
        }
        if settings.key_update {
            session.key_update()?;
        }
        let received = &mut buffer[..count];
        for octet in received.iter_mut() {
            *octet ^= 0xff;
        }
        session.write_all(received)?;
    }
}

/// Without `-check-close-notify` the shim leaves without a word.
fn shut_down<B: TlsBackend>(
    session: &mut Session<'_, B>,
    settings: &Settings,
) -> Result<(), Ending> {
    if !settings.check_close_notify {
        return Ok(());
    }
    session.close()?;
    if !settings.shuts_down && !settings.write_different_sizes {
        return Ok(());
    }
    let mut buffer = [0];
    match session.read(&mut buffer)? {
        0 => Ok(()),
        _ => Err(Ending::DataAfterClose),
    }
}
