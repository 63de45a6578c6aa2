//! Requests as bytes: no library, because a library would mend the very URLs that are asked here.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// So that a request which is never answered fails its test.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

/// One HTTP/1.1 connection.
pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(ANSWER_WITHIN)).expect("a timeout");
        Self(stream)
    }

    pub(crate) fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).expect("a request is written");
    }

    /// A GET on a connection that stays open.
    pub(crate) fn get(&mut self, path: &str, headers: &str) -> Answer {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: shop.example\r\n{headers}\r\n"
        ));
        self.answer()
    }

    /// Reads one answer, by its length or until the connection is closed.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.byte());
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let body = match (
            header(&head, "content-length"),
            header(&head, "transfer-encoding"),
        ) {
            (_, Some(_)) => self.chunks(),
            (Some(length), _) => self.exactly(length.parse().expect("a length")),
            (None, None) if header(&head, "connection").is_some_and(|value| value.contains("close")) => {
                self.until_closed()
            }
            (None, None) => Vec::new(),
        };
        parsed(&head, &body)
    }

    /// Reads all that comes until the connection is closed.
    pub(crate) fn rest(mut self) -> Answer {
        let bytes = self.until_closed();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or(("", &text));
        parsed(head, body.as_bytes())
    }

    fn until_closed(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes);
        assert!(read.is_ok() || !bytes.is_empty(), "{read:?}");
        bytes
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                line.push(self.byte());
            }
            let size =
                usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).expect("a chunk's size");
            body.extend(self.exactly(size));
            self.exactly(2);
            if size == 0 {
                return body;
            }
        }
    }

    fn byte(&mut self) -> u8 {
        self.exactly(1)[0]
    }

    fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).expect("an answer");
        bytes
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    fields
        .into_iter()
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn parsed(head: &str, body: &[u8]) -> Answer {
    Answer {
        status: head
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .unwrap_or(0),
        location: header(head, "location").map(str::to_owned),
        body: String::from_utf8_lossy(body).into_owned(),
    }
}

/// One HTTP/2 connection in clear text, with prior knowledge: enough to ask for a path and read its body.
pub(crate) struct H2 {
    stream: TcpStream,
    next_id: u32,
}

const H2_DATA: u8 = 0;
const H2_HEADERS: u8 = 1;
const H2_SETTINGS: u8 = 4;
const H2_END_STREAM: u8 = 1;
const H2_END_HEADERS: u8 = 4;

impl H2 {
    pub(crate) fn new(mut stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(ANSWER_WITHIN)).expect("a timeout");
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .expect("the preface");
        let mut connection = Self { stream, next_id: 1 };
        connection.frame(H2_SETTINGS, 0, 0, &[]);
        connection
    }

    /// The body of one GET, on a stream of its own.
    pub(crate) fn body(&mut self, path: &str) -> String {
        let id = self.next_id;
        self.next_id += 2;
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "shop.example"),
            (":path", path),
        ];
        let block: Vec<u8> = fields
            .iter()
            .flat_map(|(name, value)| literal(name, value))
            .collect();
        self.frame(H2_HEADERS, H2_END_STREAM | H2_END_HEADERS, id, &block);
        self.read_body(id)
    }

    fn frame(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(id.to_be_bytes());
        frame.extend(payload);
        self.stream.write_all(&frame).expect("a frame is written");
    }

    fn read_body(&mut self, id: u32) -> String {
        let mut body = Vec::new();
        loop {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).expect("a frame");
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).expect("fits")];
            self.stream.read_exact(&mut payload).expect("a frame's payload");
            let (kind, flags) = (head[3], head[4]);
            if u32::from_be_bytes([head[5], head[6], head[7], head[8]]) != id {
                continue;
            }
            if kind == H2_DATA {
                body.extend(payload);
            }
            if flags & H2_END_STREAM != 0 && matches!(kind, H2_DATA | H2_HEADERS) {
                return String::from_utf8_lossy(&body).into_owned();
            }
        }
    }
}

/// A header field in HPACK's plainest form: literal, never indexed, not compressed.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).expect("short");
        std::iter::once(length).chain(text.bytes()).collect::<Vec<u8>>()
    };
    [vec![0], text(name), text(value)].concat()
}
