//! HTTP/1.1 as far as a receiver needs it: requests with a length, answers with one.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest head of a request, in bytes.
const HEAD_MAX_BYTES: usize = 16 << 10;
/// Longest body that is read, in bytes: more than the API takes, so that one too long is told so.
const BODY_MAX_BYTES: usize = 1 << 20;

/// Whatever a request comes over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// One request.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// One answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<u32>,
    pub(super) body: String,
}

/// The next request; `None`: there is none, or it is no HTTP.
pub(super) async fn read(stream: &mut dyn Stream) -> Option<Request> {
    let head = read_head(stream).await?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines.filter_map(header).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(Some(0), |(_, text)| text.parse().ok())?;
    if length > BODY_MAX_BYTES {
        return None;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request {
        method,
        path,
        headers,
        body,
    })
}

/// Byte by byte: what follows the head is not to be taken.
async fn read_head(stream: &mut dyn Stream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > HEAD_MAX_BYTES {
            return None;
        }
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

fn header(line: &str) -> Option<(String, String)> {
    let (name, text) = line.split_once(':')?;
    Some((name.to_ascii_lowercase(), text.trim().to_owned()))
}

/// Writes an answer.
pub(super) async fn write(stream: &mut dyn Stream, answer: &Answer) -> io::Result<()> {
    let retry_after = answer.retry_after.map(|wait| format!("Retry-After: {wait}\r\n"));
    let text = format!(
        "HTTP/1.1 {} \r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{}",
        answer.status,
        answer.body.len(),
        retry_after.unwrap_or_default(),
        answer.body,
    );
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await
}

/// Waits until the peer hangs up.
pub(super) async fn until_closed(stream: &mut dyn Stream) -> io::Result<()> {
    stream.read_u8().await.map(drop)
}
