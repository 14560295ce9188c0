//! What a client asks for.

use std::net::IpAddr;

use tls_core::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

use crate::Error;
use crate::fields::{Fields, numbers16};

/// What a client offers (RFC 8446, section 4.1.2), before anything is chosen
/// or verified.
///
/// Lists come in the client's order. The typed ones leave out what has no name
/// in `tls-core`, among it the values that mean nothing (GREASE, RFC 8701);
/// `..._numbers` have everything that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    server_name: Option<String>,
    alpn: Vec<Vec<u8>>,
    legacy_version: u16,
    versions: Vec<u16>,
    cipher_suites: Vec<u16>,
    groups: Vec<u16>,
    signature_schemes: Vec<u16>,
    extensions: Vec<u16>,
}

impl ClientHello {
    /// The host name of the server name indication (RFC 6066, section 3), in
    /// lower case, as the case of a host name means nothing (RFC 4343). `None`
    /// if there is none, or an IP address, which does not belong there. It is
    /// ASCII, but not checked further: a client may send any name.
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// The application protocols (RFC 7301); empty if the client names none.
    pub fn alpn(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.alpn.iter().map(Vec::as_slice)
    }

    /// The versions that the client has and `tls-core` knows.
    pub fn versions(&self) -> impl Iterator<Item = ProtocolVersion> {
        known(&self.versions, ProtocolVersion::from_number)
    }

    /// The numbers of all versions. A client that lists none (without
    /// `supported_versions`) has its legacy version alone.
    pub fn version_numbers(&self) -> &[u16] {
        &self.versions
    }

    /// The version field of the message, which says 1.2 in TLS 1.3 too.
    pub const fn legacy_version(&self) -> u16 {
        self.legacy_version
    }

    /// The cipher suites that `tls-core` knows.
    pub fn cipher_suites(&self) -> impl Iterator<Item = CipherSuite> {
        known(&self.cipher_suites, CipherSuite::from_number)
    }

    /// The numbers of all cipher suites.
    pub fn cipher_suite_numbers(&self) -> &[u16] {
        &self.cipher_suites
    }

    /// The key exchange groups that `tls-core` knows.
    pub fn groups(&self) -> impl Iterator<Item = NamedGroup> {
        known(&self.groups, NamedGroup::from_number)
    }

    /// The numbers of all groups; empty if the client names none.
    pub fn group_numbers(&self) -> &[u16] {
        &self.groups
    }

    /// The signature schemes that `tls-core` knows.
    pub fn signature_schemes(&self) -> impl Iterator<Item = SignatureScheme> {
        known(&self.signature_schemes, SignatureScheme::from_number)
    }

    /// The numbers of all signature schemes; empty if the client names none.
    pub fn signature_scheme_numbers(&self) -> &[u16] {
        &self.signature_schemes
    }

    /// The types of all extensions.
    pub fn extension_numbers(&self) -> &[u16] {
        &self.extensions
    }

    /// Reads the message's body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::new(body);
        let legacy_version = fields.number16("version")?;
        fields.octets("random", 32)?;
        if fields.vector8("session id")?.len() > 32 {
            return Err(malformed("session id"));
        }
        let cipher_suites = numbers16("cipher suites", fields.vector16("cipher suites")?)?;
        if fields.vector8("compression methods")?.is_empty() {
            return Err(malformed("compression methods"));
        }
        let mut hello = Self {
            server_name: None,
            alpn: Vec::new(),
            legacy_version,
            versions: Vec::new(),
            cipher_suites,
            groups: Vec::new(),
            signature_schemes: Vec::new(),
            extensions: Vec::new(),
        };
        // TLS 1.2 knows messages without any (RFC 5246, section 7.4.1.2).
        if !fields.is_empty() {
            hello.parse_extensions(fields.vector16("extensions")?)?;
        }
        fields.end("end")?;
        if hello.versions.is_empty() {
            hello.versions.push(legacy_version);
        }
        Ok(hello)
    }

    fn parse_extensions(&mut self, octets: &[u8]) -> Result<(), Error> {
        let mut fields = Fields::new(octets);
        while !fields.is_empty() {
            let extension = fields.number16("extensions")?;
            let data = Fields::new(fields.vector16("extensions")?);
            self.extensions.push(extension);
            match extension {
                SERVER_NAME => self.server_name = server_name(data)?,
                ALPN => self.alpn = alpn(data)?,
                SUPPORTED_VERSIONS => self.versions = versions(data)?,
                SUPPORTED_GROUPS => self.groups = list16("supported_groups", data)?,
                SIGNATURE_ALGORITHMS => {
                    self.signature_schemes = list16("signature_algorithms", data)?;
                }
                _ => {}
            }
        }
        let mut sorted = self.extensions.clone();
        sorted.sort_unstable();
        match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Error::DuplicateExtension { extension: pair[0] }),
            None => Ok(()),
        }
    }
}

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

/// The one type of name that there is.
const HOST_NAME: u8 = 0;

const fn malformed(field: &'static str) -> Error {
    Error::Malformed { field }
}

fn known<T>(numbers: &[u16], name: fn(u16) -> Option<T>) -> impl Iterator<Item = T> {
    numbers.iter().copied().filter_map(name)
}

/// RFC 6066, section 3: a list with one name of each type at most.
fn server_name(mut data: Fields<'_>) -> Result<Option<String>, Error> {
    const FIELD: &str = "server_name";
    let mut names = Fields::new(data.vector16(FIELD)?);
    data.end(FIELD)?;
    if names.is_empty() {
        return Err(malformed(FIELD));
    }
    let mut host = None;
    while !names.is_empty() {
        let kind = names.number8(FIELD)?;
        let name = names.vector16(FIELD)?;
        if kind == HOST_NAME && host.replace(host_name(name)?).is_some() {
            return Err(malformed(FIELD));
        }
    }
    Ok(host.filter(|host| host.parse::<IpAddr>().is_err()))
}

fn host_name(name: &[u8]) -> Result<String, Error> {
    match std::str::from_utf8(name) {
        Ok(name) if name.is_ascii() && !name.is_empty() && !name.contains('\0') => {
            Ok(name.to_ascii_lowercase())
        }
        _ => Err(malformed("server_name")),
    }
}

/// RFC 7301, section 3.1: names of 1 to 255 octets, at least one.
fn alpn(mut data: Fields<'_>) -> Result<Vec<Vec<u8>>, Error> {
    const FIELD: &str = "application_layer_protocol_negotiation";
    let mut names = Fields::new(data.vector16(FIELD)?);
    data.end(FIELD)?;
    let mut protocols = Vec::new();
    while !names.is_empty() {
        match names.vector8(FIELD)? {
            [] => return Err(malformed(FIELD)),
            name => protocols.push(name.to_vec()),
        }
    }
    match protocols.is_empty() {
        true => Err(malformed(FIELD)),
        false => Ok(protocols),
    }
}

/// RFC 8446, section 4.2.1.
fn versions(mut data: Fields<'_>) -> Result<Vec<u16>, Error> {
    const FIELD: &str = "supported_versions";
    let versions = numbers16(FIELD, data.vector8(FIELD)?)?;
    data.end(FIELD)?;
    Ok(versions)
}

/// RFC 8446, sections 4.2.3 and 4.2.7.
fn list16(field: &'static str, mut data: Fields<'_>) -> Result<Vec<u16>, Error> {
    let numbers = numbers16(field, data.vector16(field)?)?;
    data.end(field)?;
    Ok(numbers)
}
