//! A backend that panics on another thread.

use std::io::IoSlice;

use polytls::tls::{
    BackendInfo, ClientConfig, Error as TlsError, Interest, ServerConfig, ServerName, SessionFacts,
    Step, TlsBackend, TlsSession, Transport,
};
use polytls::tokio::{Error, Offload, TlsAcceptor, TlsConnector};
use tokio::io::{AsyncReadExt, duplex};

use super::rig::{AsyncCase, AsyncScenario, PIPE, Rig, greet, play};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("a_panic_in_an_offloaded_handshake_is_an_error", panics)
            .versions(Versions::Unpinned),
    ]
}

fn panics(case: &AsyncCase) {
    let mut rig = Rig::new(case);
    let offload = Offload::new(1);
    let connector = TlsConnector::new(Panicking, ()).offload(offload.clone());
    let acceptor = TlsAcceptor::new(Panicking, ()).offload(offload.clone());
    rig.connector = rig.connector.offload(offload.clone());
    play(async {
        for _ in 0..2 {
            let (near, mut far) = duplex(PIPE);
            let failed = connector.connect(&rig.name, near).await;
            assert_panic(failed.map(drop));
            assert_eq!(offload.available(), 1, "the place is given back");
            let gone = far.read(&mut [0]).await.expect("the stream is dropped");
            assert_eq!(gone, 0);
            let (_near, far) = duplex(PIPE);
            let failed = acceptor.accept(far).into_fallible().await;
            assert_panic(failed.map(drop).map_err(|failed| failed.error));
        }
        // Others go on in the same place.
        let (client, server) = rig.connected().await;
        greet(client, server).await;
    });
    assert_eq!(offload.available(), 1);
}

#[track_caller]
fn assert_panic(result: Result<(), Error>) {
    let Err(Error::Offload(words)) = result else {
        panic!("{result:?}");
    };
    assert!(words.contains("panic"), "{words}");
}

/// Makes sessions whose handshake panics.
#[derive(Clone, Debug)]
struct Panicking;

impl TlsBackend for Panicking {
    type ClientContext = ();
    type ServerContext = ();
    type Session = Self;

    fn info(&self) -> BackendInfo {
        BackendInfo::new("panicking", "none")
    }

    fn client(&self, _: &ClientConfig) -> Result<(), TlsError> {
        Ok(())
    }

    fn server(&self, _: &ServerConfig) -> Result<(), TlsError> {
        Ok(())
    }

    fn connect(&self, (): &(), _: &ServerName<'_>) -> Result<Self, TlsError> {
        Ok(Self)
    }

    fn accept(&self, (): &()) -> Result<Self, TlsError> {
        Ok(Self)
    }
}

impl TlsSession for Panicking {
    fn handshake(&mut self, _: &mut dyn Transport) -> Result<Step<()>, TlsError> {
        panic!("a fault of a backend");
    }

    fn read(&mut self, io: &mut dyn Transport, _: &mut [u8]) -> Result<Step<usize>, TlsError> {
        self.handshake(io).map(|step| step.map(|()| 0))
    }

    fn write(
        &mut self,
        io: &mut dyn Transport,
        _: &[IoSlice<'_>],
    ) -> Result<Step<usize>, TlsError> {
        self.handshake(io).map(|step| step.map(|()| 0))
    }

    fn flush(&mut self, io: &mut dyn Transport) -> Result<Step<()>, TlsError> {
        self.handshake(io)
    }

    fn close(&mut self, io: &mut dyn Transport) -> Result<Step<()>, TlsError> {
        self.handshake(io)
    }

    fn key_update(&mut self, io: &mut dyn Transport) -> Result<Step<()>, TlsError> {
        self.handshake(io)
    }

    fn interest(&self) -> Interest {
        Interest::READ
    }

    fn pending(&self) -> bool {
        false
    }

    fn facts(&self) -> Option<&SessionFacts> {
        None
    }

    fn export_keying_material(
        &self,
        _: &mut [u8],
        _: &str,
        _: Option<&[u8]>,
    ) -> Result<(), TlsError> {
        Err(TlsError::config("export_keying_material", "there is none"))
    }
}
