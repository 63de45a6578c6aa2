//! The client: one server, many requests.

use std::error::Error;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use reqwest::Url;

use crate::builder::{Builder, Scheme, Way};
use crate::error::{BuildError, HttpError};
use crate::inside::Courier;
use crate::request::{Answer, Request};

/// Asks one server; clones share its connections.
#[derive(Debug, Clone)]
pub struct Client(Path);

#[derive(Debug, Clone)]
enum Path {
    Direct(Direct),
    Courier(Arc<Courier>),
}

/// What is sent: a request, and a body if it is a POST.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) request: Request,
    pub(crate) body: Option<Body>,
}

/// What is posted, and what it is called.
#[derive(Debug)]
pub(crate) struct Body {
    kind: &'static str,
    bytes: Vec<u8>,
}

impl Client {
    /// A client of the server at `address`, asked as `host` (in `Host` and in TLS).
    pub fn at(scheme: Scheme, host: impl Into<String>, address: SocketAddr) -> Builder {
        Builder::new(scheme, host, Way::Address(address))
    }

    /// A client of the server behind the unix socket at `path`, asked as `host`.
    pub fn unix(host: impl Into<String>, path: impl Into<PathBuf>) -> Builder {
        Builder::new(Scheme::Http, host, Way::Unix(path.into()))
    }

    pub(crate) const fn direct(direct: Direct) -> Self {
        Self(Path::Direct(direct))
    }

    pub(crate) fn inside(net: OwnedFd, builder: Builder) -> Result<Self, BuildError> {
        Ok(Self(Path::Courier(Arc::new(Courier::start(net, builder)?))))
    }

    /// Asks for a path.
    pub async fn get(&self, request: Request) -> Result<Answer, HttpError> {
        self.run(Errand { request, body: None }).await
    }

    /// Posts a form, encoded by the caller as `application/x-www-form-urlencoded`.
    pub async fn post(&self, request: Request, form: impl Into<Vec<u8>>) -> Result<Answer, HttpError> {
        let body = Body {
            kind: "application/x-www-form-urlencoded",
            bytes: form.into(),
        };
        let body = Some(body);
        self.run(Errand { request, body }).await
    }

    /// Posts a JSON text.
    pub async fn post_json(&self, request: Request, json: impl Into<Vec<u8>>) -> Result<Answer, HttpError> {
        let body = Body {
            kind: "application/json",
            bytes: json.into(),
        };
        let body = Some(body);
        self.run(Errand { request, body }).await
    }

    async fn run(&self, errand: Errand) -> Result<Answer, HttpError> {
        match &self.0 {
            Path::Direct(direct) => direct.run(errand).await,
            Path::Courier(courier) => courier.run(errand).await,
        }
    }
}

/// The client library and its bounds, on the thread that uses them.
#[derive(Debug, Clone)]
pub(crate) struct Direct {
    pub(crate) library: reqwest::Client,
    pub(crate) origin: Url,
    pub(crate) timeout: Duration,
    pub(crate) body_max_bytes: usize,
}

impl Direct {
    pub(crate) async fn run(&self, errand: Errand) -> Result<Answer, HttpError> {
        let url = errand.request.url(&self.origin)?;
        let method = if errand.body.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let mut call = self.library.request(method, url).headers(errand.request.headers);
        if let Some(body) = errand.body {
            call = call
                .header(http::header::CONTENT_TYPE, body.kind)
                .body(body.bytes);
        }
        let mut response = call.send().await.map_err(|error| self.failure(error))?;
        let body = self.body(&mut response).await?;
        Ok(Answer {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }

    async fn body(&self, response: &mut reqwest::Response) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(error))? {
            if body.len() + chunk.len() > self.body_max_bytes {
                return Err(HttpError::TooLong {
                    max_bytes: self.body_max_bytes,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The address is the caller's to tell: part of it may be a secret.
    fn failure(&self, error: reqwest::Error) -> HttpError {
        let error = error.without_url();
        if error.is_timeout() {
            return HttpError::TimedOut { after: self.timeout };
        }
        if error.is_connect() || error.source().is_none() {
            return HttpError::Connect(error);
        }
        HttpError::Exchange(error)
    }
}
