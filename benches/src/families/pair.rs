//! Two sessions over a pipe, their handshake done.

use tls_core::Role;

use crate::library::{Library, Outcome, Session};
use crate::pipe::{End, Pipe};
use crate::settings::Settings;

/// A client of one kind and a server of another.
pub(super) struct Pair<C: Library, S: Library> {
    pub(super) pipe: Pipe,
    pub(super) client: C::Session<C::Ahead<End>>,
    pub(super) server: S::Session<S::Ahead<End>>,
}

impl<C: Library, S: Library> Pair<C, S> {
    pub(super) fn new(settings: &Settings) -> Outcome<Self> {
        let pipe = Pipe::new();
        let near = C::ahead(pipe.end(Role::Client));
        let far = S::ahead(pipe.end(Role::Server));
        let mut client = C::connect(&C::client(settings)?, near)?;
        let mut server = S::accept(&S::server(settings)?, far)?;
        shake_hands(&mut client, &mut server)?;
        // What the server has sent behind the handshake, if anything.
        if let Some(taken) = client.read(&mut [0; 16])? {
            return Err(format!("{taken} octets came before any were sent").into());
        }
        Ok(Self {
            pipe,
            client,
            server,
        })
    }
}

/// Does the handshake of two sessions that never wait.
pub(super) fn shake_hands(client: &mut impl Session, server: &mut impl Session) -> Outcome<()> {
    for _ in 0..MAX_TURNS {
        let client_done = client.handshake()?;
        let server_done = server.handshake()?;
        if client_done && server_done {
            return Ok(());
        }
    }
    Err("the handshake does not end".into())
}

/// More than any handshake takes.
pub(crate) const MAX_TURNS: usize = 16;
