//! What a server computes while nothing happens. It waits, so it is apart from
//! the tests of scenarios.

use std::time::Duration;

use backend_bench::idle;

#[test]
fn a_server_at_rest_computes_next_to_nothing() {
    let pairs = idle::all();
    assert_eq!(pairs.len(), 3);
    for pair in pairs {
        let report = pair.measure(8, Duration::from_millis(200)).unwrap();
        // A loop that spins computes for all of each second.
        let tenth = 1e9 / 10.0;
        assert!(report.ours < tenth && report.raw < tenth, "{report:?}");
    }
}
