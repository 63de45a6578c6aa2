//! A small server that keeps what it was asked, over TCP, TLS or a unix socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How it answers every request.
#[derive(Clone, Copy)]
pub(crate) enum Reply {
    Body(&'static str),
    Redirect,
    /// Never answers; the connection stays open.
    Silence,
    /// Promises more than it sends.
    Truncated,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    heads: Mutex<Vec<String>>,
}

/// Its threads end with the test's process; its port is the kernel's choice.
pub(crate) struct Server {
    address: SocketAddr,
    authority: Vec<u8>,
    seen: Arc<Seen>,
}

impl Server {
    pub(crate) fn tcp(reply: Reply) -> Self {
        Self::listen(Vec::new(), reply, Ok)
    }

    pub(crate) fn tls(host: &str, reply: Reply) -> Self {
        let certificate = CertificateParams::new([host.to_owned()]).expect("a certificate");
        Self::tls_with(&certificate, reply)
    }

    /// Shows a certificate as described, signed by itself.
    pub(crate) fn tls_with(certificate: &CertificateParams, reply: Reply) -> Self {
        let made_key = KeyPair::generate().expect("a key");
        let made = certificate.self_signed(&made_key).expect("a certificate");
        let key = PrivateKeyDer::try_from(made_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.der().clone()], key)
            .expect("a certificate and its key");
        let mut config = config;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let config = Arc::new(config);
        Self::listen(made.der().to_vec(), reply, move |stream| {
            let session = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            Ok(StreamOwned::new(session, stream))
        })
    }

    pub(crate) fn unix(path: &Path, reply: Reply) -> Arc<()> {
        let listener = UnixListener::bind(path).expect("a socket");
        let seen = Arc::<Seen>::default();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || converse(stream, reply, &seen));
            }
        });
        Arc::default()
    }

    pub(crate) fn closed_port() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address")
    }

    fn listen<S: Read + Write>(
        authority: Vec<u8>,
        reply: Reply,
        wrap: impl Fn(TcpStream) -> io::Result<S> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let seen = Arc::<Seen>::default();
        let (shared, wrap) = (Arc::clone(&seen), Arc::new(wrap));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, wrap) = (Arc::clone(&shared), Arc::clone(&wrap));
                seen.connections.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || wrap(stream).map(|stream| converse(stream, reply, &seen)));
            }
        });
        Self {
            address,
            authority,
            seen,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn authority(&self) -> Vec<u8> {
        self.authority.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn request_heads(&self) -> Vec<String> {
        self.seen.heads.lock().expect("no panic under it").clone()
    }
}

fn converse<S: Read + Write>(stream: S, reply: Reply, seen: &Seen) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let head = read_head(&mut stream)?;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.and_then(|n| n.parse().ok()).unwrap_or(0)];
        stream.read_exact(&mut body)?;
        seen.heads.lock().expect("no panic under it").push(head);
        let answer = match reply {
            Reply::Body(body) => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
            Reply::Redirect => "HTTP/1.1 302 Found\r\nlocation: http://elsewhere.example/\r\n\
                content-length: 0\r\n\r\n"
                .to_owned(),
            Reply::Silence => continue,
            Reply::Truncated => {
                stream
                    .get_mut()
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345")?;
                return stream.get_mut().flush();
            }
        };
        stream.get_mut().write_all(answer.as_bytes())?;
        stream.get_mut().flush()?;
    }
}

fn read_head<S: BufRead>(stream: &mut S) -> io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}
