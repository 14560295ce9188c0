//! Data in both directions.

use std::io::IoSlice;

use polytls::tls::{Capabilities, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};

use super::rig::{AsyncCase, AsyncScenario, Rig, Stream, greet, hear, pattern, play, say};
use super::slow::OneOctetAtATime;
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("data_goes_both_ways_at_once", both_ways),
        scenario("streams_over_tcp_exchange_data", over_tcp).versions(Versions::Unpinned),
        scenario("one_octet_at_a_time_is_enough", one_octet),
        scenario("several_buffers_arrive_in_order", vectored).versions(Versions::Unpinned),
        scenario("data_goes_on_while_keys_are_renewed", renewed)
            .versions(Versions::Only(ProtocolVersion::Tls13))
            .needs(Capabilities::KEY_UPDATE),
    ]
}

fn both_ways(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let (client, server) = rig.connected().await;
        let data = pattern(200_000);
        let (client_in, client_out) = tokio::io::split(client);
        let (server_in, server_out) = tokio::io::split(server);
        let (to_client, to_server, (), ()) = tokio::join!(
            hear(client_in),
            hear(server_in),
            say(client_out, &data),
            say(server_out, &data),
        );
        assert!(to_client == data && to_server == data);
    });
}

fn over_tcp(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let near = TcpStream::connect(address).await.expect("a connection");
        let (far, _) = listener.accept().await.expect("a client");
        let (client, server) = rig.over(near, far).await;
        greet(client, server).await;
    });
}

fn one_octet(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let (near, far) = duplex(64);
        let (near, far) = (OneOctetAtATime::new(near), OneOctetAtATime::new(far));
        let (client, server) = rig.over(near, far).await;
        greet(client, server).await;
    });
}

fn vectored(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let (mut client, mut server) = rig.connected().await;
        let parts = [&b"one "[..], b"", b"two ", b"three"].map(IoSlice::new);
        assert_eq!(client.write_vectored(&parts).await.expect("a write"), 13);
        client.flush().await.expect("a flush");
        let mut got = [0; 64];
        assert_eq!(server.read(&mut got).await.expect("a read"), 13);
        assert_eq!(&got[..13], b"one two three");
    });
}

fn renewed(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        // There is room for a piece each way: both send before they receive.
        let (near, far) = duplex(4 * PIECE);
        let (mut client, mut server) = rig.over(near, far).await;
        let both = tokio::join!(talk(&mut client), talk(&mut server));
        assert!(both.0 == pattern(ROUNDS * PIECE) && both.1 == both.0);
    });
}

const ROUNDS: usize = 20;
const PIECE: usize = 4000;

/// Sends a piece and receives one, again and again, with new keys each time.
async fn talk(end: &mut Stream) -> Vec<u8> {
    let data = pattern(ROUNDS * PIECE);
    let mut heard = Vec::new();
    for piece in data.chunks(PIECE) {
        end.key_update().await.expect("new keys");
        end.write_all(piece).await.expect("a write");
        end.flush().await.expect("a flush");
        let mut got = [0; PIECE];
        end.read_exact(&mut got).await.expect("a piece");
        heard.extend_from_slice(&got);
    }
    heard
}
