//! The peers' certificates as the library has parsed them, held once.
//!
//! A parsed certificate takes about ten times its octets. The sessions of a
//! context that meet the same peer share what the first of them has parsed,
//! with what the library finds out about it later.

use std::sync::OnceLock;

use backend_kit::Recent;
use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{SslContext, SslContextBuilder, SslContextRef};
use openssl::x509::{X509, X509StoreContextRef};

use crate::ffi;
use crate::notes::Notes;
use crate::verify::session_of;

/// The chains that the sessions of one context have accepted last.
#[derive(Default)]
pub(crate) struct Parsed(Recent<Vec<Certificate>>);

struct Certificate {
    der: Vec<u8>,
    parsed: X509,
}

impl Parsed {
    /// Gives a new context its place for them.
    pub(crate) fn attach(builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        builder.set_ex_data(index()?, Self::default());
        Ok(())
    }

    fn of(context: &SslContextRef) -> Option<&Self> {
        context.ex_data(index().ok()?)
    }

    /// The chain of just these octets, which comes to the front.
    fn find(&self, presented: &[Certificate]) -> Option<Vec<X509>> {
        let is_it = |known: &Vec<Certificate>| {
            let octets = known.iter().map(|certificate| &certificate.der);
            octets.eq(presented.iter().map(|certificate| &certificate.der))
        };
        let parsed = |chain: &Vec<Certificate>| {
            let parsed = chain.iter().map(|certificate| certificate.parsed.clone());
            parsed.collect()
        };
        self.0.recall(is_it, parsed)
    }
}

/// A chain that the context has not met, to be kept if it is accepted.
pub(crate) struct Unmet(Vec<Certificate>);

/// Puts a chain that an earlier session has parsed in the place of this one,
/// before it is verified. What is replaced stays with the session until its
/// handshake is done, because the library may still look at it.
pub(crate) fn reuse(context: &mut X509StoreContextRef) -> Option<Unmet> {
    let presented = ffi::presented_certificates(context);
    let presented: Option<Vec<_>> = presented.into_iter().map(with_octets).collect();
    let presented = presented.filter(|chain| !chain.is_empty())?;
    let ssl = session_of(context)?;
    let Some(known) = Parsed::of(ssl.ssl_context())?.find(&presented) else {
        return Some(Unmet(presented));
    };
    let replaced = presented.into_iter().map(|certificate| certificate.parsed);
    Notes::of(ssl)?.hold(replaced.collect());
    ffi::replace_presented(context, known);
    None
}

/// Keeps a chain that was accepted for the sessions to come.
pub(crate) fn keep(context: &X509StoreContextRef, Unmet(chain): Unmet) {
    let ssl = session_of(context);
    if let Some(parsed) = ssl.and_then(|ssl| Parsed::of(ssl.ssl_context())) {
        parsed.0.keep(chain);
    }
}

fn with_octets(parsed: X509) -> Option<Certificate> {
    let der = parsed.to_der().ok()?;
    Some(Certificate { der, parsed })
}

fn index() -> Result<Index<SslContext, Parsed>, ErrorStack> {
    static INDEX: OnceLock<Index<SslContext, Parsed>> = OnceLock::new();
    if let Some(index) = INDEX.get() {
        return Ok(*index);
    }
    let index = SslContext::new_ex_index()?;
    Ok(*INDEX.get_or_init(|| index))
}

#[cfg(test)]
mod tests {
    use foreign_types::ForeignTypeRef;
    use tls_core::{
        CertificateError, ClientAuth, Error, ProtocolVersion, ServerConfigBuilder, TlsBackend,
        TlsSession, parse_server_name,
    };

    use crate::testing::{Authority, NAME, Pair, serving, trusting, wire};
    use crate::{ClientContext, OpenSsl, OpenSslSession, ServerContext};

    fn pair(name: &str, client: &ClientContext, server: &ServerContext) -> Pair {
        let backend = OpenSsl::new();
        let name = parse_server_name(name).unwrap();
        let (client_end, server_end) = wire();
        Pair {
            client: backend.connect(client, &name).unwrap(),
            server: backend.accept(server).unwrap(),
            client_end,
            server_end,
        }
    }

    fn server(config: ServerConfigBuilder) -> ServerContext {
        OpenSsl::new().server(&config.build().unwrap()).unwrap()
    }

    /// Where the peer's own certificate is, as octets and parsed.
    fn places(session: &OpenSslSession) -> (*const u8, usize) {
        let facts = session.facts().unwrap();
        let parsed = session.library().ssl().peer_certificate().unwrap();
        assert_eq!(parsed.to_der().unwrap(), *facts.peer_certificates[0]);
        (facts.peer_certificates[0].as_ptr(), parsed.as_ptr().addr())
    }

    #[test]
    fn sessions_of_one_context_hold_a_peers_chain_once() {
        for version in [ProtocolVersion::Tls12, ProtocolVersion::Tls13] {
            let authority = Authority::new();
            let own = authority.intermediate(|_| {}).leaf();
            let client = trusting(&authority).max_version(version).identity(own);
            let client = OpenSsl::new().client(&client.build().unwrap()).unwrap();
            let identity = authority.intermediate(|_| {}).leaf();
            let server = server(
                serving(&authority)
                    .identity(identity)
                    .client_auth(ClientAuth::Required(authority.roots())),
            );
            let pairs = [(); 3].map(|()| {
                let mut pair = pair(NAME, &client, &server);
                pair.connect();
                pair
            });
            let [first, second, third] = pairs;
            for other in [&second, &third] {
                assert_eq!(places(&first.client), places(&other.client));
                assert_eq!(places(&first.server), places(&other.server));
            }
            let before = places(&third.client);
            drop((first, second));
            assert_eq!(places(&third.client), before);
        }
    }

    #[test]
    fn a_chain_that_was_accepted_is_judged_again_for_each_session() {
        let authority = Authority::new();
        let client = trusting(&authority).build().unwrap();
        let client = OpenSsl::new().client(&client).unwrap();
        let server = server(serving(&authority));
        for _ in 0..2 {
            pair(NAME, &client, &server).connect();
            let (error, _) = pair("other.example", &client, &server).errors();
            assert_eq!(error, Error::Certificate(CertificateError::NameMismatch));
        }
    }

    #[test]
    fn a_chain_that_was_refused_is_not_kept() {
        let (authority, stranger) = (Authority::new(), Authority::new());
        let client = trusting(&authority).build().unwrap();
        let client = OpenSsl::new().client(&client).unwrap();
        let unknown = server(serving(&stranger));
        for _ in 0..2 {
            let (error, _) = pair(NAME, &client, &unknown).errors();
            assert!(matches!(error, Error::Certificate(_)), "{error:?}");
            let kept = super::Parsed::of(client.ssl_context()).unwrap();
            assert!(kept.0.recall(|_| true, |_| ()).is_none());
        }
    }
}
