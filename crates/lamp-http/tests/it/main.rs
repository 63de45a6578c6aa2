//! The client against real sockets: TLS, bounds, unix sockets, namespaces.

mod certificate;
mod server;

use std::time::Duration;

use fs_err as fs;
use lamp_http::error::chain;
use lamp_http::{BuildError, Client, HttpError, Protocol, Request, Scheme, Trust};
use server::{Reply, Server};
use tokio::task::JoinSet;

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let server = Server::tcp(Reply::Body("hello"));
    let client = Client::at(Scheme::Http, "shop.example", server.address())
        .build()
        .expect("a client");
    for _ in 0..3 {
        let answer = client.get(Request::new("/a?b=1")).await.expect("an answer");
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hello"));
    }
    assert_eq!(server.connections(), 1);
    let first = server.request_heads().swap_remove(0);
    assert!(first.starts_with("GET /a?b=1 HTTP/1.1\r\n"), "{first}");
    let host = format!("host: shop.example:{}\r\n", server.address().port());
    assert!(first.contains(&host), "{first}");
}

#[tokio::test]
async fn without_idle_time_every_request_has_its_own_connection() {
    let server = Server::tcp(Reply::Body("hello"));
    let client = Client::at(Scheme::Http, "shop.example", server.address()).idle(Duration::ZERO);
    let client = client.build().expect("a client");
    for _ in 0..3 {
        client.get(Request::new("/")).await.expect("an answer");
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let server = Server::tcp(Reply::Redirect);
    let client = Client::at(Scheme::Http, "shop.example", server.address())
        .build()
        .expect("a client");
    let answer = client.get(Request::new("/")).await.expect("an answer");
    assert_eq!(answer.status.as_u16(), 302);
    assert_eq!(answer.header("location"), Some("http://elsewhere.example/"));
    assert_eq!(server.request_heads().len(), 1);
}

#[tokio::test]
async fn a_form_is_posted() {
    let server = Server::tcp(Reply::Body("done"));
    let client = Client::at(Scheme::Http, "shop.example", server.address())
        .build()
        .expect("a client");
    client
        .post(Request::new("/install"), "a=1&b=2")
        .await
        .expect("an answer");
    let head = server.request_heads().swap_remove(0);
    assert!(head.starts_with("POST /install HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/x-www-form-urlencoded\r\n"),
        "{head}"
    );
    assert!(head.contains("content-length: 7\r\n"), "{head}");
}

#[tokio::test]
async fn a_json_text_is_posted_as_it_stands() {
    let server = Server::tcp(Reply::Body("done"));
    let client = Client::at(Scheme::Http, "shop.example", server.address())
        .build()
        .expect("a client");
    client
        .post_json(Request::new("/v2/enqueue"), r#"{"a":1}"#)
        .await
        .expect("an answer");
    let head = server.request_heads().swap_remove(0);
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    assert!(head.contains("content-length: 7\r\n"), "{head}");
}

#[tokio::test]
async fn a_body_over_the_bound_is_refused_and_one_at_the_bound_is_not() {
    let server = Server::tcp(Reply::Body("12345"));
    let client = |max| {
        let builder = Client::at(Scheme::Http, "shop.example", server.address()).body_max_bytes(max);
        builder.build().expect("a client")
    };
    assert_eq!(
        client(5).get(Request::new("/")).await.expect("an answer").body,
        b"12345"
    );
    let error = client(4).get(Request::new("/")).await.expect_err("too long");
    assert!(matches!(error, HttpError::TooLong { max_bytes: 4 }), "{error:?}");
}

#[tokio::test]
async fn a_silent_or_truncated_or_absent_server_is_each_its_own_error() {
    let ask = async |server: &Server| {
        let builder = Client::at(Scheme::Http, "shop.example", server.address());
        let client = builder
            .timeout(Duration::from_millis(200))
            .build()
            .expect("a client");
        client.get(Request::new("/")).await.expect_err("no answer")
    };
    let silent = ask(&Server::tcp(Reply::Silence)).await;
    assert!(matches!(silent, HttpError::TimedOut { .. }), "{silent:?}");
    let truncated = ask(&Server::tcp(Reply::Truncated)).await;
    assert!(matches!(truncated, HttpError::Exchange(_)), "{truncated:?}");

    let nobody = Server::closed_port();
    let client = Client::at(Scheme::Http, "shop.example", nobody)
        .build()
        .expect("a client");
    let absent = client.get(Request::new("/")).await.expect_err("nobody there");
    assert!(matches!(absent, HttpError::Connect(_)), "{absent:?}");
}

#[tokio::test]
async fn tls_believes_the_given_authority_and_no_other() {
    let server = Server::tls("shop.example", Reply::Body("secret"));
    let ask = async |host: &str, trust: Trust| {
        let client = Client::at(Scheme::Https, host, server.address())
            .trust(trust)
            .build()
            .expect("a client");
        client.get(Request::new("/")).await
    };
    let own = Trust::Authority(server.authority());
    assert_eq!(
        ask("shop.example", own.clone()).await.expect("an answer").body,
        b"secret"
    );

    let other = Trust::Authority(Server::tls("shop.example", Reply::Body("")).authority());
    for (host, trust) in [
        ("shop.example", other),
        ("shop.example", Trust::System),
        ("wrong.example", own),
    ] {
        let error = ask(host, trust).await.expect_err("not believed");
        assert!(matches!(error, HttpError::Connect(_)), "{error:?}");
        assert!(chain(&error).contains("certificate"), "{}", chain(&error));
    }
    assert_eq!(
        ask("wrong.example", Trust::AnyCertificate)
            .await
            .expect("an answer")
            .body,
        b"secret"
    );
}

#[tokio::test]
async fn a_server_without_http2_is_not_fallen_back_to() {
    let server = Server::tls("shop.example", Reply::Body("one"));
    let builder = Client::at(Scheme::Https, "shop.example", server.address()).protocol(Protocol::Http2);
    let client = builder.trust(Trust::AnyCertificate).build().expect("a client");
    client.get(Request::new("/")).await.expect_err("no HTTP/2");
}

#[tokio::test]
async fn a_unix_socket_answers() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("web.sock");
    let _server = Server::unix(&path, Reply::Body("by socket"));
    let client = Client::unix("localhost", &path).build().expect("a client");
    assert_eq!(
        client.get(Request::new("/")).await.expect("an answer").body,
        b"by socket"
    );
}

#[tokio::test]
async fn a_client_inside_a_namespace_asks_from_its_own_thread() {
    let server = Server::tcp(Reply::Body("hello"));
    let own = || {
        fs::File::open("/proc/self/ns/net")
            .expect("own namespace")
            .into_parts()
            .0
            .into()
    };
    let builder = || Client::at(Scheme::Http, "shop.example", server.address());
    let client = builder().inside(own()).build().expect("root joins a namespace");
    let mut asks = JoinSet::new();
    for _ in 0..20 {
        let client = client.clone();
        asks.spawn(async move { client.get(Request::new("/")).await });
    }
    for answer in asks.join_all().await {
        assert_eq!(answer.expect("an answer").body, b"hello");
    }
    let no_namespace = fs::File::open("/dev/null").expect("a file").into_parts().0.into();
    let error = builder()
        .inside(no_namespace)
        .build()
        .expect_err("not a namespace");
    assert!(matches!(error, BuildError::Namespace(_)), "{error:?}");
}

#[test]
fn work_joins_the_namespace_it_is_given() {
    let mut holder = std::process::Command::new("unshare")
        .args(["--net", "sh", "-c", "read wait"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("unshare starts");
    let ours = fs::read_link("/proc/self/ns/net").expect("own namespace");
    let theirs = format!("/proc/{}/ns/net", holder.id());
    let begun = std::time::Instant::now();
    while fs::read_link(&theirs).expect("its namespace") == ours {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "unshare made no namespace"
        );
        std::thread::yield_now();
    }
    let net = fs::File::open(&theirs)
        .expect("its namespace")
        .into_parts()
        .0
        .into();
    let seen = lamp_http::inside::work("there", Some(net), || async {
        fs::read_link("/proc/thread-self/ns/net").expect("a namespace")
    });
    let seen = seen.expect("a thread").join().expect("no panic").expect("joined");
    assert_eq!(seen, fs::read_link(&theirs).expect("its namespace"));
    assert_ne!(seen, ours);
    drop(holder.stdin.take());
    holder.wait().expect("it ends");
}

#[test]
fn a_host_that_is_none_and_an_address_that_is_another_are_refused() {
    let address = "127.0.0.1:80".parse().expect("an address");
    let built = |host: &str| Client::at(Scheme::Http, host, address).build();
    for host in ["", "a b", "a/b", "a?b", "u@a", "a:1"] {
        assert!(
            matches!(built(host), Err(BuildError::HostName { .. })),
            "{host:?}"
        );
    }
    assert!(matches!(built("127.0.0.2"), Err(BuildError::OtherAddress { .. })));
    assert!(built("127.0.0.1").is_ok());
    let six = "[::1]:80".parse().expect("an address");
    assert!(Client::at(Scheme::Http, "::1", six).build().is_ok());
}
