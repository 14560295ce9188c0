//! Ids of scenarios in words.

/// Which end of a connection a scenario is about.
pub(crate) const SIDES: [&str; 2] = ["client", "server"];

/// The parts of an id.
pub(crate) fn parts(id: &str) -> Vec<&str> {
    id.split('/').collect()
}

/// The first part of an id, what kind of scenario it is.
pub(crate) fn family(id: &str) -> &str {
    id.split('/').next().unwrap_or_default()
}

/// Whether the scenario is about this end.
pub(crate) fn is_of_side(id: &str, side: &str) -> bool {
    parts(id).contains(&side)
}

/// What a heading or a label of an axis calls it. The family and the side are
/// left out where the panel around it says them.
pub(crate) fn label(id: &str, without: &[&str]) -> String {
    let parts = parts(id);
    let words = parts.iter().filter(|part| !without.contains(part));
    let words: Vec<String> = words.map(|part| word(part)).collect();
    words.join(", ")
}

/// One part of an id as people write it.
pub(crate) fn word(part: &str) -> String {
    let known = match part {
        "tls12" => "TLS 1.2",
        "tls13" => "TLS 1.3",
        "ecdsa" => "ECDSA P-256",
        "rsa" => "RSA-2048",
        "x25519" => "X25519",
        "x25519mlkem768" => "X25519MLKEM768",
        "mutual" => "mutual",
        "aes128gcm" => "AES-128-GCM",
        "aes256gcm" => "AES-256-GCM",
        "chacha20" => "ChaCha20",
        "header-body" => "header and body",
        "defaults" => "defaults",
        "p50" => "median",
        "p99" => "99th percentile",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    if let Some((times, size)) = part.split_once('x')
        && let (Ok(times), Some(size)) = (times.parse::<u32>(), size_of(size))
    {
        return format!("{times} x {}", in_words(size));
    }
    let pieces = part.split('-');
    let pieces: Vec<String> = pieces
        .map(|piece| size_of(piece).map_or_else(|| piece.to_owned(), in_words))
        .collect();
    pieces.join(" ")
}

/// The size that a part of an id is, in octets.
pub(crate) fn size_of(part: &str) -> Option<u32> {
    match part.strip_suffix('k') {
        Some(thousands) => thousands.parse::<u32>().ok()?.checked_mul(1024),
        None => part.parse().ok(),
    }
}

/// A size in B or KiB.
pub(crate) fn in_words(size: u32) -> String {
    if size >= 1024 && size.is_multiple_of(1024) {
        format!("{} KiB", size / 1024)
    } else {
        format!("{size} B")
    }
}

/// A backend's library, as it writes itself.
pub(crate) fn backend(name: &str) -> &str {
    match name {
        "openssl" => "OpenSSL",
        "boring" => "BoringSSL",
        "rustls-unbuffered" => "rustls unbuffered",
        other => other,
    }
}

/// Whether this is a backend, and not a comparison with another way to use
/// one's library.
pub(crate) fn is_backend(name: &str) -> bool {
    name != "rustls-unbuffered"
}

/// The number of a backend's colour and mark; the same in every plot.
pub(crate) fn series(backend: &str) -> usize {
    [
        "rustls",
        "openssl",
        "boring",
        "native-tls",
        "rustls-unbuffered",
    ]
    .iter()
    .position(|&known| known == backend)
    .unwrap_or(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_in_words() {
        let id = "handshake/tls13/ecdsa/x25519mlkem768/mutual/client";
        assert_eq!(
            label(id, &["handshake", "client"]),
            "TLS 1.3, ECDSA P-256, X25519MLKEM768, mutual"
        );
        assert_eq!(
            label("send/aes128gcm/1024", &["send"]),
            "AES-128-GCM, 1 KiB"
        );
        assert_eq!(
            label("send/chacha20/16x64", &["send"]),
            "ChaCha20, 16 x 64 B"
        );
        assert_eq!(label("defaults/round/64k", &[]), "defaults, round, 64 KiB");
        assert_eq!(
            label("heap/client/idle-after-16384", &["heap", "client"]),
            "idle after 16 KiB"
        );
        assert_eq!(label("latency/64/p50", &[]), "latency, 64 B, median");
    }

    #[test]
    fn a_side_is_a_whole_part_of_an_id() {
        assert!(is_of_side("handshake/tls13/client", "client"));
        assert!(!is_of_side("handshake/clients", "client"));
    }

    #[test]
    fn a_size_is_a_number_or_thousands() {
        assert_eq!(size_of("64k"), Some(65_536));
        assert_eq!(size_of("16384"), Some(16_384));
        for part in ["16x64", "rsa", "", "k", "99999999k"] {
            assert_eq!(size_of(part), None, "{part}");
        }
    }
}
