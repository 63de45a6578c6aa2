//! The socket under the frames: whole messages in, whole messages out, with open files beside them.

use std::collections::VecDeque;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::net::UnixStream;

use super::frame::{self, FILES_MAX, FrameError, HEAD_BYTES, Head};

/// Bytes taken from the socket at once: a body's memory grows as it comes, not as it is announced.
const CHUNK_BYTES: usize = 64 << 10;

/// Why a message was not sent or received.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The peer closed the connection.
    #[error("the other end closed the connection")]
    Closed,
    /// The socket failed.
    #[error("the socket failed")]
    Socket(#[source] std::io::Error),
    /// What came, or was to be sent, is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Fewer or more files came than the frame announced.
    #[error("{came} file(s) came with a frame that announced {announced}")]
    FilesLost {
        /// As announced.
        announced: usize,
        /// As they came; one more than may come if the kernel cut them off.
        came: usize,
    },
}

impl From<std::io::Error> for ConnectionError {
    fn from(error: std::io::Error) -> Self {
        let gone = [
            std::io::ErrorKind::BrokenPipe,
            std::io::ErrorKind::ConnectionReset,
        ];
        if gone.contains(&error.kind()) {
            Self::Closed
        } else {
            Self::Socket(error)
        }
    }
}

/// One end of a connection.
///
/// A `send` or `receive` that is dropped half-way leaves the stream in the middle of a frame: drop the
/// connection then too. [`Connection::closed`] may be dropped at any time.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
}

impl Connection {
    /// Over a stream socket.
    pub const fn new(stream: UnixStream) -> Self {
        Self { stream }
    }

    /// Over a stream socket that this process was started with. Must be called within a runtime.
    pub fn from_fd(socket: OwnedFd) -> std::io::Result<Self> {
        let stream = std::os::unix::net::UnixStream::from(socket);
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream).map(Self::new)
    }

    /// A connection to a process that is to be started: its own end, and the descriptor for that process.
    pub fn pair() -> std::io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        Ok((Self::from_fd(ours.into())?, theirs.into()))
    }

    /// Who is at the other end, as the kernel names it.
    pub fn peer(&self) -> std::io::Result<tokio::net::unix::UCred> {
        self.stream.peer_cred()
    }

    /// Sends one message, and files beside it: at most [`FILES_MAX`].
    pub async fn send<T: Serialize + Sync>(
        &self,
        message: &T,
        files: &[BorrowedFd<'_>],
    ) -> Result<(), ConnectionError> {
        let bytes = frame::encode(message, files.len())?;
        let mut sent = self.write(&bytes, files).await?;
        while sent < bytes.len() {
            sent += self.write(&bytes[sent..], &[]).await?;
        }
        Ok(())
    }

    /// Receives one message and the files beside it.
    pub async fn receive<T: DeserializeOwned>(&self) -> Result<(T, Vec<OwnedFd>), ConnectionError> {
        let mut files = VecDeque::new();
        let mut head = [0; HEAD_BYTES];
        let mut got = 0;
        while got < HEAD_BYTES {
            got += self.read(&mut head[got..], &mut files).await?;
        }
        let head = Head::decode(head)?;
        let mut body = Vec::new();
        while body.len() < head.body_bytes {
            let start = body.len();
            body.resize(head.body_bytes.min(start + CHUNK_BYTES), 0);
            let read = self.read(&mut body[start..], &mut files).await?;
            body.truncate(start + read);
        }
        let files = Vec::from(files);
        if files.len() != head.files {
            return Err(ConnectionError::FilesLost {
                announced: head.files,
                came: files.len(),
            });
        }
        Ok((frame::decode(&body)?, files))
    }

    /// Waits until the other end is closed, or says something; takes no byte from the stream.
    ///
    /// For one who only sends: a watcher says nothing more, so whatever it does ends the watch.
    pub async fn closed(&self) {
        let peek = || {
            let flags = RecvFlags::DONTWAIT | RecvFlags::PEEK;
            let mut byte = [0; 1];
            rustix::net::recv(self.stream.as_fd(), &mut byte[..], flags)
                .map(|_| ())
                .map_err(std::io::Error::from)
        };
        // An error of the socket ends the watch as well.
        let _ = self.stream.async_io(Interest::READABLE, peek).await;
    }

    async fn write(&self, bytes: &[u8], files: &[BorrowedFd<'_>]) -> Result<usize, ConnectionError> {
        let send = || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES_MAX))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !files.is_empty() {
                control.push(SendAncillaryMessage::ScmRights(files));
            }
            let sent = rustix::net::sendmsg(
                self.stream.as_fd(),
                &[IoSlice::new(bytes)],
                &mut control,
                SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
            );
            sent.map_err(std::io::Error::from)
        };
        Ok(self.stream.async_io(Interest::WRITABLE, send).await?)
    }

    async fn read(&self, into: &mut [u8], files: &mut VecDeque<OwnedFd>) -> Result<usize, ConnectionError> {
        let receive = || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES_MAX))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let received = rustix::net::recvmsg(
                self.stream.as_fd(),
                &mut [IoSliceMut::new(into)],
                &mut control,
                RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC,
            )?;
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(rights) = message {
                    files.extend(rights);
                }
            }
            if received.flags.contains(ReturnFlags::CTRUNC) || files.len() > FILES_MAX {
                return Err(Errno::MFILE.into());
            }
            Ok(received.bytes)
        };
        match self.stream.async_io(Interest::READABLE, receive).await? {
            0 => Err(ConnectionError::Closed),
            read => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};

    use super::*;
    use crate::protocol::Request;

    fn pair() -> (Connection, Connection) {
        let (a, b) = UnixStream::pair().expect("a socket pair");
        (Connection::new(a), Connection::new(b))
    }

    fn file_holding(text: &str) -> OwnedFd {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("written");
        file.rewind().expect("rewound");
        file.into()
    }

    fn hello(lamp: String) -> Request {
        Request::Hello { protocol: 1, lamp }
    }

    #[tokio::test]
    async fn files_come_with_their_own_frame_and_in_order() {
        let (a, b) = pair();
        let files: Vec<_> = (0..FILES_MAX).map(|n| file_holding(&n.to_string())).collect();
        let borrowed: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        let sender = async {
            a.send(&hello("first".into()), &[]).await?;
            a.send(&hello("second".into()), &borrowed).await?;
            a.send(&hello("third".into()), &borrowed[..1]).await
        };
        let receiver = async {
            let (_, none) = b.receive::<Request>().await?;
            let (_, all) = b.receive::<Request>().await?;
            let (_, one) = b.receive::<Request>().await?;
            Ok::<_, ConnectionError>((none, all, one))
        };
        let (sent, received) = tokio::join!(sender, receiver);
        sent.expect("sent");
        let (none, all, one) = received.expect("received");
        assert_eq!((none.len(), all.len(), one.len()), (0, FILES_MAX, 1));
        for (n, fd) in all.into_iter().enumerate() {
            let mut text = String::new();
            std::fs::File::from(fd).read_to_string(&mut text).expect("read");
            assert_eq!(text, n.to_string());
        }
    }

    #[tokio::test]
    async fn a_message_longer_than_the_sockets_buffer_arrives_whole() {
        let (a, b) = pair();
        let long = hello("x".repeat(5 << 20));
        let (sent, received) = tokio::join!(a.send(&long, &[]), b.receive::<Request>());
        sent.expect("sent");
        assert_eq!(received.expect("received").0, long);
    }

    #[tokio::test]
    async fn more_files_than_announced_are_refused_and_none_stays_open() {
        let (a, b) = pair();
        let file = file_holding("x");
        let frame = frame::encode(&hello(String::new()), 0).expect("a frame");
        a.write(&frame, &[file.as_fd()]).await.expect("written");
        let refused = b.receive::<Request>().await;
        assert!(matches!(
            refused,
            Err(ConnectionError::FilesLost {
                announced: 0,
                came: 1
            })
        ));
    }

    #[tokio::test]
    async fn an_end_that_closes_is_seen_by_reader_and_watcher() {
        let (a, b) = pair();
        a.send(&hello(String::new()), &[]).await.expect("sent");
        b.receive::<Request>().await.expect("received");
        drop(a);
        b.closed().await;
        assert!(matches!(
            b.receive::<Request>().await,
            Err(ConnectionError::Closed)
        ));
    }
}
