//! Signals.

use std::process::Stdio;

use polytls::Backend;

use crate::program::{curl, text};
use crate::{Site, negotiates};

#[test]
fn a_signal_stops_the_server_behind_the_request_that_has_begun() {
    let backends = Backend::available();
    for (signal, version) in [("TERM", "--http1.1"), ("INT", "--http2")] {
        let mut site = Site::on(&backends[0]);
        let mut command = curl();
        let request = command
            .arg(version)
            .arg("--cacert")
            .arg(&site.ca)
            .arg(site.server.url("/slow"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        site.server.wait_for("GET /slow");
        site.server.signal(signal);
        let output = request.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let second = version == "--http2" && negotiates(&backends[0]);
        let expected = if second { "HTTP/2.0" } else { "HTTP/1.1" };
        let said = text(&output.stdout);
        assert_eq!(said, format!("Hello over {expected}\n"));
        assert!(site.server.ended().success());
    }
}
