//! What is set on a socket outlives the upgrade.

use std::time::Duration;

use polytls::Keepalive;
use polytls::tls::TlsBackend;

use super::ends::{LONG, Link, Setup, greet, shake};
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![scenario("options_and_limits_outlive_the_upgrade", outlive)]
}

fn outlive<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    for link in [Link::Tcp4, Link::Tcp6] {
        let (mut client, mut server) = link.connect();
        let keepalive = Keepalive {
            idle: Duration::from_secs(40),
            interval: Duration::from_secs(7),
            probes: 3,
        };
        client.set_nodelay(true).expect("an option");
        client.set_keepalive(Some(keepalive)).expect("an option");
        client.set_ttl(33).expect("an option");
        client.set_read_timeout(Some(LONG));
        client.set_write_timeout(Some(LONG / 2));
        let addresses = (client.local_addr(), client.peer_addr());
        setup.turn_client_on(&mut client);
        setup.turn_server_on(&mut server);
        shake(&mut client, &mut server);
        greet(&mut client, &mut server);
        assert_eq!(client.nodelay(), Ok(true));
        assert_eq!(client.keepalive(), Ok(Some(keepalive)));
        assert_eq!(client.ttl(), Ok(33));
        assert_eq!(client.read_timeout(), Some(LONG));
        assert_eq!(client.write_timeout(), Some(LONG / 2));
        assert_eq!((client.local_addr(), client.peer_addr()), addresses);
        // And they can be set under TLS.
        client.set_nodelay(false).expect("an option");
        client.set_keepalive(None).expect("an option");
        assert_eq!(client.nodelay(), Ok(false));
        assert_eq!(client.keepalive(), Ok(None));
        assert_eq!(client.take_error(), Ok(None));
    }
}
