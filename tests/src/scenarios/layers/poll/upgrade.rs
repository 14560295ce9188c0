//! TLS that is turned on at a connection of the loop.

use polytls::poll::{Error, Event, Options};
use polytls::tls::TlsBackend;
use polytls::{Refusal, Socket};

use super::rig::{LoopCase, LoopScenario, Near, Rig};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<LoopScenario> {
    vec![
        scenario("a_plain_connection_is_upgraded_in_place", upgrade).versions(Versions::Unpinned),
        scenario(
            "a_connection_that_the_loop_makes_shakes_hands_by_itself",
            connects,
        )
        .versions(Versions::Unpinned),
    ]
}

fn upgrade(case: &LoopCase) {
    let mut rig = Rig::new(case);
    let [client, server] = rig.plain();
    let client = rig.add(client, &Options::new());
    let server = rig.add(server, &Options::new());
    rig.send(client, b"STARTTLS\r\n");
    rig.expect(server, b"STARTTLS\r\n");
    rig.send(server, b"220 ready\r\n");
    rig.turn_on_here(server, Near::Server);
    rig.expect(client, b"220 ready\r\n");
    rig.turn_on_here(client, Near::Client);
    let mut done = rig.next();
    while done.len() < 2 {
        done.extend(rig.next());
    }
    done.sort_by_key(Event::token);
    assert_eq!(done, [client, server].map(Event::HandshakeDone));
    rig.send(client, b"hello");
    rig.expect(server, b"hello");
    let mut connection = rig.poll.connection(server).expect("a connection");
    assert!(connection.socket().is_tls());
    let config = case.server_config().build().expect("a config");
    let context = case.server.server(&config).expect("a context");
    let twice = connection.enable_tls_server(&case.server, &context);
    assert_eq!(twice, Err(Error::Socket(Refusal::TlsOn.into())));
}

fn connects(case: &LoopCase) {
    let mut rig = Rig::new(case);
    let listener = polytls::Listener::bind_tcp("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address");
    let address = address.ip().expect("an IP address");
    let door = rig.poll.add_listener(listener).expect("a listener");
    let mut client = Socket::start_connect_tcp(address).expect("a connection");
    rig.turn_on(&mut client, Near::Client);
    let client = rig.add(client, &Options::new());
    rig.send(client, b"hello");
    let mut told = Vec::new();
    let mut server = None;
    while told.len() < 2 || server.is_none() {
        for event in rig.next() {
            match event {
                Event::Incoming(from) => {
                    assert_eq!(from, door);
                    while let Some((mut socket, _)) = rig.poll.accept(door) {
                        rig.turn_on(&mut socket, Near::Server);
                        server = Some(rig.add(socket, &Options::new()));
                    }
                }
                Event::Connected(token) => assert_eq!(token, client),
                other => told.push(other),
            }
        }
    }
    let server = server.expect("a client");
    told.sort_by_key(Event::token);
    let mut both = [client, server].map(Event::HandshakeDone);
    both.sort_by_key(Event::token);
    assert_eq!(told, both);
    rig.expect(server, b"hello");
}
