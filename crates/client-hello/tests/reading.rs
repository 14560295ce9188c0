//! ClientHellos that are whole, in pieces, cut off, damaged and hostile.

use client_hello::{ClientHello, ClientHelloReader, Error, MAX_HELLO_OCTETS};
use tls_core::{Alert, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

fn vector8(octets: &[u8]) -> Vec<u8> {
    [&[u8::try_from(octets.len()).unwrap()], octets].concat()
}

fn vector16(octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len()).unwrap();
    [&length.to_be_bytes(), octets].concat()
}

fn extension(number: u16, data: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes(), &vector16(data)[..]].concat()
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

fn sni(host: &[u8]) -> Vec<u8> {
    extension(0, &vector16(&[&[0], &vector16(host)[..]].concat()))
}

fn alpn(names: &[&[u8]]) -> Vec<u8> {
    let names: Vec<u8> = names.iter().flat_map(|name| vector8(name)).collect();
    extension(16, &vector16(&names))
}

/// The usual extensions, with GREASE.
fn usual() -> Vec<Vec<u8>> {
    vec![
        extension(0x0a0a, b""),
        sni(b"Server.Example"),
        extension(10, &vector16(&numbers(&[0x1a1a, 0x11ec, 29]))),
        extension(13, &vector16(&numbers(&[0x0403, 0x0804, 0x0201]))),
        alpn(&[b"h2", b"http/1.1"]),
        extension(43, &vector8(&numbers(&[0x2a2a, 0x0304, 0x0303]))),
        extension(0xffce, &[7; 300]),
    ]
}

fn body(extensions: Option<&[Vec<u8>]>) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([9; 32]);
    body.extend(vector8(&[8; 32]));
    body.extend(vector16(&numbers(&[0x3a3a, 0x1301, 0xc02b, 0x002f])));
    body.extend(vector8(&[0]));
    if let Some(extensions) = extensions {
        body.extend(vector16(&extensions.concat()));
    }
    body
}

fn message(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[1], &length[1..], body].concat()
}

fn records(message: &[u8], size: usize) -> Vec<u8> {
    let record = |piece: &[u8]| [&[22, 3, 1], &vector16(piece)[..]].concat();
    message.chunks(size).flat_map(record).collect()
}

fn read(octets: &[u8]) -> Result<Option<ClientHello>, Error> {
    ClientHelloReader::new().push(octets)
}

/// Reads a message with these extensions.
fn read_with(extensions: &[Vec<u8>]) -> Result<ClientHello, Error> {
    let wire = records(&message(&body(Some(extensions))), 1 << 14);
    read(&wire).map(|hello| hello.expect("it is whole"))
}

#[test]
fn everything_is_told_in_the_clients_order() {
    let hello = read_with(&usual()).unwrap();
    assert_eq!(hello.server_name(), Some("server.example"));
    assert!(hello.alpn().eq([&b"h2"[..], b"http/1.1"]));
    let versions: Vec<_> = hello.versions().collect();
    assert_eq!(versions, [ProtocolVersion::Tls13, ProtocolVersion::Tls12]);
    assert_eq!(hello.version_numbers(), [0x2a2a, 0x0304, 0x0303]);
    assert_eq!(hello.legacy_version(), 0x0303);
    let suites: Vec<_> = hello.cipher_suites().collect();
    assert_eq!(
        suites,
        [
            CipherSuite::TLS_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        ]
    );
    assert_eq!(
        hello.cipher_suite_numbers(),
        [0x3a3a, 0x1301, 0xc02b, 0x002f]
    );
    let groups: Vec<_> = hello.groups().collect();
    assert_eq!(groups, [NamedGroup::X25519MLKEM768, NamedGroup::X25519]);
    assert_eq!(hello.group_numbers(), [0x1a1a, 0x11ec, 29]);
    let schemes: Vec<_> = hello.signature_schemes().collect();
    assert_eq!(
        schemes,
        [
            SignatureScheme::EcdsaSecp256r1Sha256,
            SignatureScheme::RsaPssRsaeSha256
        ]
    );
    assert_eq!(hello.signature_scheme_numbers(), [0x0403, 0x0804, 0x0201]);
    assert_eq!(
        hello.extension_numbers(),
        [0x0a0a, 0, 10, 13, 16, 43, 0xffce]
    );
}

#[test]
fn a_client_without_extensions_has_its_legacy_version_and_nothing_else() {
    let wire = records(&message(&body(None)), 1 << 14);
    let hello = read(&wire).unwrap().unwrap();
    assert_eq!(hello.server_name(), None);
    assert_eq!(hello.alpn().len(), 0);
    assert!(hello.versions().eq([ProtocolVersion::Tls12]));
    assert!(hello.extension_numbers().is_empty());
}

#[test]
fn records_and_pieces_of_any_size_make_the_same_message() {
    let message = message(&body(Some(&usual())));
    let whole = read(&records(&message, 1 << 14)).unwrap();
    for record in [1, 2, 3, 4, 5, 7, 100] {
        let wire = records(&message, record);
        for piece in [1, 2, 3, 6, 1000, wire.len()] {
            let mut reader = ClientHelloReader::new();
            let mut pieces = wire.chunks(piece).peekable();
            while let Some(piece) = pieces.next() {
                let hello = reader.push(piece).unwrap();
                match pieces.peek() {
                    Some(_) => assert_eq!(hello, None),
                    None => assert_eq!(hello, whole),
                }
            }
        }
    }
}

#[test]
fn what_is_behind_the_message_is_not_looked_at() {
    let mut wire = records(&message(&body(Some(&usual()))), 1 << 14);
    let whole = read(&wire).unwrap();
    wire.extend(b"anything");
    assert_eq!(read(&wire).unwrap(), whole);
}

#[test]
fn a_message_that_is_cut_off_anywhere_is_awaited() {
    let wire = records(&message(&body(Some(&usual()))), 50);
    for end in 0..wire.len() {
        let mut reader = ClientHelloReader::new();
        assert_eq!(reader.push(&wire[..end]), Ok(None), "{end}");
        assert_eq!(reader.end(), Error::Truncated);
    }
}

#[test]
fn a_body_that_is_cut_off_anywhere_but_before_its_extensions_is_malformed() {
    let whole = body(Some(&usual()));
    let before_extensions = body(None).len();
    for end in 0..whole.len() {
        let result = read(&records(&message(&whole[..end]), 1 << 14));
        if end == before_extensions {
            assert!(matches!(result, Ok(Some(_))));
        } else {
            assert!(
                matches!(result, Err(Error::Malformed { .. })),
                "{end}: {result:?}"
            );
        }
    }
}

#[test]
fn every_damaged_octet_ends_in_a_value_or_a_typed_error() {
    let wire = records(&message(&body(Some(&usual()))), 200);
    let whole = read(&wire).unwrap();
    let (mut values, mut errors, mut awaited) = (0, 0, 0);
    for place in 0..wire.len() {
        for value in 0..=255 {
            let mut damaged = wire.clone();
            damaged[place] = value;
            match read(&damaged) {
                Ok(Some(_)) => values += 1,
                // A length says that more is to come.
                Ok(None) => awaited += 1,
                Err(_) => errors += 1,
            }
        }
    }
    assert!(whole.is_some() && values > 0 && errors > 0 && awaited > 0);
}

#[test]
fn an_error_is_final() {
    let mut reader = ClientHelloReader::new();
    let error = Error::NotTls { http: false };
    assert_eq!(reader.push(b"SSH-2.0-x\r\n"), Err(error));
    assert_eq!(reader.push(&records(&message(&body(None)), 99)), Err(error));
    assert_eq!(reader.end(), error);
}

#[test]
fn other_protocols_are_told_by_their_first_octets() {
    let cases: [(&[u8], bool); 8] = [
        (b"GET / HTTP/1.1\r\n", true),
        (b"OPTIONS * HTTP/1.1\r\n", true),
        (b"PRI * HTTP/2.0\r\n", true),
        (b"P", true),
        (b"GETAWAY", false),
        (b"SSH-2.0-OpenSSH", false),
        (b"\x16GET ", false),
        // SSL 2.0's hello.
        (b"\x80\x2e\x01\x03\x01", false),
    ];
    for (octets, http) in cases {
        let error = Error::NotTls { http };
        assert_eq!(read(octets), Err(error), "{octets:?}");
        assert_eq!(error.alert(), None);
    }
}

#[test]
fn other_messages_of_tls_are_refused_with_their_alert() {
    let cases: [(&[u8], Error, Alert); 6] = [
        (
            &[21, 3, 1, 0, 2, 1, 0],
            Error::NotHandshake { content_type: 21 },
            Alert::UNEXPECTED_MESSAGE,
        ),
        (
            &[23, 3],
            Error::NotHandshake { content_type: 23 },
            Alert::UNEXPECTED_MESSAGE,
        ),
        (
            &[22, 3, 1, 0, 4, 2],
            Error::NotClientHello { message_type: 2 },
            Alert::UNEXPECTED_MESSAGE,
        ),
        (
            &[22, 3, 1, 0, 0],
            Error::Malformed { field: "record" },
            Alert::DECODE_ERROR,
        ),
        (
            &[22, 3, 1, 0x40, 1],
            Error::RecordTooLong { octets: 0x4001 },
            Alert::RECORD_OVERFLOW,
        ),
        (
            &[22, 3, 1, 0, 4, 1, 1, 0, 1],
            Error::TooLong {
                octets: MAX_HELLO_OCTETS + 1,
            },
            Alert::DECODE_ERROR,
        ),
    ];
    for (octets, error, alert) in cases {
        assert_eq!(read(octets), Err(error));
        assert_eq!(error.alert(), Some(alert));
    }
    let mut between = records(&message(&body(None)), 40);
    between[45] = 23;
    let error = Error::NotHandshake { content_type: 23 };
    assert_eq!(read(&between), Err(error), "amid the message");
}

#[test]
fn the_longest_message_is_taken() {
    let filler = extension(0xffce, &[7; 65_000]);
    let mut body = body(Some(&[filler]));
    let missing = MAX_HELLO_OCTETS - body.len();
    let place = body.len();
    body.splice(place.., vec![0; missing]);
    // Octets behind the extensions are an error, so they were all read.
    let result = read(&records(&message(&body), 1 << 14));
    assert_eq!(result, Err(Error::Malformed { field: "end" }));
}

#[test]
fn a_field_that_breaks_its_format_is_named() {
    let two_names = [&[0], &vector16(b"a")[..], &[0], &vector16(b"b")[..]].concat();
    let cases = [
        ("server_name", sni(b"")),
        ("server_name", sni(b"caf\xc3\xa9.example")),
        ("server_name", sni(b"a\0b")),
        ("server_name", extension(0, &vector16(b""))),
        ("server_name", extension(0, &vector16(&two_names))),
        ("server_name", extension(0, b"\0\0\0")),
        ("supported_groups", extension(10, &vector16(&[0, 29, 0]))),
        ("supported_groups", extension(10, &vector16(b""))),
        ("signature_algorithms", extension(13, b"\0\x04\x04\x03")),
        (
            "application_layer_protocol_negotiation",
            alpn(&[b"h2", b""]),
        ),
        ("application_layer_protocol_negotiation", alpn(&[])),
        ("supported_versions", extension(43, &[3, 3, 4, 3])),
        ("supported_versions", extension(43, &[2, 3, 4, 9])),
        ("extensions", vec![0, 0, 0, 9, 1]),
    ];
    for (field, extension) in cases {
        let result = read_with(&[extension]);
        assert_eq!(result, Err(Error::Malformed { field }));
    }
}

#[test]
fn an_extension_that_comes_twice_is_refused() {
    let twice = [extension(0xffce, b"a"), sni(b"a"), extension(0xffce, b"b")];
    let error = Error::DuplicateExtension { extension: 0xffce };
    assert_eq!(read_with(&twice), Err(error));
    assert_eq!(error.alert(), Some(Alert::ILLEGAL_PARAMETER));
}

#[test]
fn an_address_is_no_server_name() {
    for address in ["192.0.2.1", "2001:db8::1"] {
        let hello = read_with(&[sni(address.as_bytes())]).unwrap();
        assert_eq!(hello.server_name(), None);
    }
}

#[test]
fn a_name_of_a_type_that_nobody_knows_is_skipped() {
    let names = [&[9], &vector16(b"other")[..], &[0], &vector16(b"host")[..]].concat();
    let hello = read_with(&[extension(0, &vector16(&names))]).unwrap();
    assert_eq!(hello.server_name(), Some("host"));
}
