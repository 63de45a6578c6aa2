//! The certificate of a server is read whatever is wrong with it.

use std::time::Duration;

use jiff::Timestamp;
use lamp_http::certificate::{Presented, ReadError, Shown};
use rcgen::{CertificateParams, date_time_ymd};

use crate::server::{Reply, Server};

const SOON: Duration = Duration::from_secs(10);

fn read(server: &Server, host: &str, most: Duration) -> Result<Presented, ReadError> {
    let shown = Shown {
        address: server.address(),
        host: host.to_owned(),
        net: None,
    };
    shown.read(most)
}

/// One for these names, valid from the beginning of the one year to that of the other.
#[track_caller]
fn check(names: &[&str], years: (i32, i32), is_for_shop: bool) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    let server = Server::tls_with(&params, Reply::Body("hello"));
    let begin = |year: i32| -> Timestamp { format!("{year}-01-01T00:00:00Z").parse().expect("a time") };
    let presented = read(&server, "shop.example", SOON).expect("it is shown");
    let expected = Presented {
        not_before: begin(years.0),
        not_after: begin(years.1),
        is_for_host: is_for_shop,
    };
    assert_eq!(presented, expected);
}

#[test]
fn it_is_read_whatever_is_wrong_with_it() {
    check(&["shop.example"], (2020, 2090), true);
    check(&["elsewhere.example", "shop.example"], (2020, 2090), true);
    check(&["elsewhere.example"], (2020, 2090), false);
    check(&["shop.example"], (2019, 2020), true);
    check(&["shop.example"], (2090, 2091), true);
    check(&["elsewhere.example"], (2019, 2020), false);
    check(&["shop.example"], (1975, 4096), true);
}

#[test]
fn where_none_is_shown_there_is_an_error_within_the_bound() {
    let mute = Server::tcp(Reply::Silence);
    let read_it = |server: &Server, host: &str| read(server, host, Duration::from_millis(300));
    assert!(matches!(
        read_it(&mute, "shop.example"),
        Err(ReadError::Connect(_))
    ));
    let tls = Server::tls("shop.example", Reply::Silence);
    assert!(matches!(
        read_it(&tls, "no host name"),
        Err(ReadError::HostName { .. })
    ));
    let gone = Shown {
        address: Server::closed_port(),
        host: "shop.example".to_owned(),
        net: None,
    };
    assert!(matches!(gone.read(SOON), Err(ReadError::Connect(_))));
}
