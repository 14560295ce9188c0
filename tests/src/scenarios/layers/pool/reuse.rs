//! Which connection serves whom.

use std::sync::Arc;

use polytls::pool::{Endpoint, Target, Tls};
use polytls::tls::{
    Capabilities, ClientConfigBuilder, KeyLog, NamedGroup, ProtocolVersion, SignatureScheme,
    parse_server_name,
};

use super::front::{Connection, Front};
use super::rig::{LONG, LayersCase, Rig, exchange};
use crate::scenario::{Scenario, Versions, scenario};

use polytls::tls::AnyBackend;

pub(super) fn scenarios<F: Front>() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    vec![
        scenario("a_pooled_connection_is_used_again", used_again::<F>),
        scenario("another_config_gets_another_connection", other_config::<F>)
            .versions(Versions::Unpinned),
        scenario(
            "key_updates_that_arrive_while_idle_do_no_harm",
            key_update_while_idle::<F>,
        )
        .versions(Versions::Only(ProtocolVersion::Tls13))
        .needs_server(Capabilities::KEY_UPDATE),
        scenario("connections_made_in_advance_are_given_out", prewarmed::<F>)
            .versions(Versions::Unpinned),
    ]
}

/// TLS 1.3 tickets, where a server sends them, arrive while it is idle.
fn used_again<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::new(case);
    let (connection, mut server) = rig.connected();
    connection.release().expect("it is fit");
    rig.assert_at_rest(1);
    let mut connection = rig.reused();
    exchange(&mut connection, &mut server);
    connection.release().expect("it is fit");
    let mut connection = rig.reused();
    exchange(&mut connection, &mut server);
    assert_eq!(rig.pool.statistics().connected, 1);
    assert_eq!(rig.pool.statistics().reused, 2);
}

#[derive(Debug)]
struct Log;

impl KeyLog for Log {
    fn log(&self, _: &str) {}
}

fn other_config<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::new(case);
    let (connection, _server) = rig.connected();
    connection.release().expect("it is fit");
    let usual = || case.client_config();
    let configs: [ClientConfigBuilder; 10] = [
        case.client_without_roots()
            .roots(case.pki.roots.and(&case.pki.other_roots)),
        usual().alpn(["one"]),
        usual().alpn(["two"]),
        usual().sni(false),
        usual().identity(case.pki.client.clone()),
        usual().identity(case.pki.p256.clone()),
        usual().max_version(ProtocolVersion::Tls12),
        usual().groups([NamedGroup::Secp256r1]),
        usual().signature_schemes([SignatureScheme::EcdsaSecp256r1Sha256]),
        usual().key_log(Arc::new(Log)),
    ];
    let mut targets = vec![rig.target.clone()];
    for config in configs {
        // The same settings, built again, are the same target.
        let again = rig.target(config.clone());
        let target = rig.target(config);
        assert_eq!(target, again);
        let Some(target) = target else { continue };
        assert!(!targets.contains(&target));
        targets.push(target);
    }
    assert!(targets.len() > 2, "a backend has some settings");
    assert_eq!(rig.target(usual()), Some(rig.target.clone()));
    // Another name, or none, is another connection too.
    let config = usual().build().expect("a config");
    let tls = Tls::new(&case.client, &config).expect("a context");
    let other = parse_server_name("other.example").expect("a name");
    targets.push(Target::tls(Endpoint::from(rig.address), &tls, other));
    targets.push(Target::plain(rig.address));
    assert!(!targets[..targets.len() - 1].contains(&targets[targets.len() - 1]));
    // It makes a difference: the idle connection is not given out.
    let (_connection, _server) = rig.connected_to(&targets[1]);
    assert_eq!(rig.pool.statistics().idle, 1);
    drop(rig.reused());
}

fn key_update_while_idle<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::new(case);
    let (mut connection, mut server) = rig.connected();
    exchange(&mut connection, &mut server);
    connection.release().expect("it is fit");
    for _ in 0..3 {
        server.key_update().expect("a key update");
    }
    let mut connection = rig.reused();
    exchange(&mut connection, &mut server);
    server.key_update().expect("a key update");
    connection.until_it_can_be_read();
    connection.release().expect("it is fit");
    let mut connection = rig.reused();
    exchange(&mut connection, &mut server);
}

fn prewarmed<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::new(case);
    let listener = rig.listener.as_ref().expect("somebody listens");
    let servers = std::thread::scope(|scope| {
        let prewarm = scope.spawn(|| rig.pool.prewarm(&rig.target, 2, LONG));
        let servers: Vec<_> = (0..2)
            .map(|_| listener.accept_tls(&case.server, &rig.server, LONG))
            .map(|accepted| accepted.expect("a client"))
            .collect();
        assert_eq!(prewarm.join().expect("no panic"), Ok(2));
        servers
    });
    rig.assert_at_rest(2);
    let mut connection = rig.reused();
    assert!(connection.facts().is_some());
    let from = connection.local_addr();
    let (mut server, _) = servers
        .into_iter()
        .find(|(_, peer)| peer.ip() == Some(from))
        .expect("one of them");
    exchange(&mut connection, &mut server);
}
