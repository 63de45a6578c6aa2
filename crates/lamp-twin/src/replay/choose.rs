//! Which of the logged requests are asked again. Pure.
//!
//! Only what is safe: a GET of a path of this site without a query (unless that very path is listed), which a visitor got
//! an answer to. Of routes that are alike one is asked; those that most different visitors asked come first, so that one
//! visitor alone does not decide what is asked.

use std::collections::{BTreeMap, BTreeSet};

use lamp_logline::{AskablePath, RouteShape};

use crate::plan::LoggedRequest;

/// Files that are no programs' pages are at most this part of what is asked: they hardly ever differ.
const STATIC_SHARE: usize = 4;
/// Endings of such files.
const STATIC: [&str; 18] = [
    "avif", "bmp", "css", "eot", "gif", "ico", "jpeg", "jpg", "js", "map", "mp4", "pdf", "png", "svg", "ttf",
    "webp", "woff", "woff2",
];

/// One route and the path that stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// What its paths have in common.
    pub(crate) shape: String,
    /// What is asked.
    pub(crate) path: String,
}

impl Route {
    /// The home page.
    pub(crate) fn home() -> Self {
        Self::of("/")
    }

    /// The route of one path.
    pub(crate) fn of(path: &str) -> Self {
        Self {
            shape: RouteShape::of(path).as_str().to_owned(),
            path: path.to_owned(),
        }
    }
}

/// What will be asked, and what that is a part of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// In the order of asking.
    pub(crate) routes: Vec<Route>,
    /// Routes that visitors got answers to.
    pub(crate) known: u64,
    /// Requests that were no GET.
    pub(crate) not_replayed: u64,
    /// Nothing was logged that may be asked: the links of what is asked are followed.
    pub(crate) is_crawl: bool,
}

impl Chosen {
    /// Asks `paths` too, and first: whoever set them up said that they have to answer. A crawl begins at the home page.
    pub(crate) fn also(&mut self, paths: &[String]) {
        if self.is_crawl {
            self.routes.push(Route::home());
            self.known = 1;
        }
        for path in paths.iter().rev() {
            let is_new = self.routes.iter().all(|route| route.path != *path);
            self.routes.retain(|route| route.path != *path);
            self.routes.insert(0, Route::of(path));
            self.known += u64::from(is_new);
        }
    }
}

/// Visitors of one route, by path.
type Paths<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Chooses at most `most` routes.
pub(crate) fn choose(requests: &[LoggedRequest], queries: &[String], most: usize) -> Chosen {
    let mut routes: BTreeMap<String, Paths<'_>> = BTreeMap::new();
    for request in requests.iter().filter(|request| is_answered_get(request)) {
        let paths = routes.entry(shape(&request.target, queries)).or_default();
        if may_be_asked(&request.target, queries) {
            paths.entry(&request.target).or_default().insert(&request.client);
        }
    }
    let known = routes.len() as u64;
    let mut ranked: Vec<(usize, Route)> = routes
        .iter()
        .filter_map(|(shape, paths)| best(shape, paths))
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.shape.cmp(&b.1.shape)));
    let is_crawl = ranked.is_empty();
    let (files, pages): (Vec<_>, Vec<_>) = ranked.into_iter().map(|(_, route)| route).partition(is_static);
    let room = most.saturating_sub(pages.len()).max(most / STATIC_SHARE);
    let files = files.into_iter().take(room.min(most / STATIC_SHARE));
    let pages_max = most.saturating_sub(files.len());
    Chosen {
        is_crawl,
        routes: pages.into_iter().take(pages_max).chain(files).collect(),
        known,
        not_replayed: requests.iter().filter(|request| request.method != "GET").count() as u64,
    }
}

fn is_answered_get(request: &LoggedRequest) -> bool {
    let of_this_site = request.target.starts_with('/') && !request.target.starts_with("//");
    request.method == "GET" && (200..=399).contains(&request.status) && of_this_site
}

/// A listed path with its query is a route of its own.
fn shape(target: &str, queries: &[String]) -> String {
    if queries.iter().any(|listed| listed == target) {
        return target.to_owned();
    }
    RouteShape::of(target).as_str().to_owned()
}

fn may_be_asked(target: &str, queries: &[String]) -> bool {
    match target.split_once('?') {
        None => AskablePath::parse(target).is_ok(),
        Some((path, query)) => {
            let plain = query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
            plain && AskablePath::parse(path).is_ok() && queries.iter().any(|listed| listed == target)
        }
    }
}

/// The path that most visitors asked stands for its route; the first by name if several did.
fn best(shape: &str, paths: &Paths<'_>) -> Option<(usize, Route)> {
    let all: BTreeSet<&str> = paths.values().flatten().copied().collect();
    let most = paths
        .iter()
        .max_by(|a, b| a.1.len().cmp(&b.1.len()).then_with(|| b.0.cmp(a.0)));
    most.map(|(path, _)| {
        let route = Route {
            shape: shape.to_owned(),
            path: (*path).to_owned(),
        };
        (all.len(), route)
    })
}

fn is_static(route: &Route) -> bool {
    let ending = route
        .path
        .rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'));
    ending.is_some_and(|(_, ending)| STATIC.contains(&ending.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows `CLIENT METHOD TARGET STATUS`.
    #[track_caller]
    fn check(
        rows: &[&str],
        queries: &[&str],
        most: usize,
        expected: &[&str],
        (known, not_replayed): (u64, u64),
    ) {
        let request = |row: &&str| {
            let words: Vec<_> = row.split(' ').collect();
            LoggedRequest {
                client: words[0].to_owned(),
                method: words[1].to_owned(),
                target: words[2].to_owned(),
                status: words[3].parse().expect("a status"),
            }
        };
        let requests: Vec<_> = rows.iter().map(request).collect();
        let queries: Vec<_> = queries.iter().map(|&query| query.to_owned()).collect();
        let chosen = choose(&requests, &queries, most);
        let paths: Vec<_> = chosen.routes.iter().map(|route| route.path.as_str()).collect();
        assert_eq!(paths, expected);
        assert_eq!((chosen.known, chosen.not_replayed), (known, not_replayed));
    }

    #[test]
    fn routes_of_most_visitors_come_first_and_one_path_stands_for_each() {
        check(
            &[
                "a GET /order/1 200",
                "a GET /order/2 200",
                "b GET /order/2 200",
                "a GET /rare 200",
                "a GET /rare 200",
                "a GET / 200",
                "b GET / 304",
                "c GET / 200",
            ],
            &[],
            10,
            &["/", "/order/2", "/rare"],
            (3, 0),
        );
    }

    #[test]
    fn what_has_to_answer_is_asked_first_and_once() {
        let also = |requests: &[LoggedRequest]| {
            let mut chosen = choose(requests, &[], 10);
            chosen.also(&["/".to_owned(), "/login".to_owned()]);
            let paths: Vec<_> = chosen.routes.iter().map(|route| route.path.clone()).collect();
            (paths.join(" "), chosen.known, chosen.is_crawl)
        };
        let visit = |target: &str| LoggedRequest {
            method: "GET".into(),
            target: target.into(),
            status: 200,
            client: "a".into(),
        };
        assert_eq!(also(&[]), ("/ /login".into(), 2, true));
        assert_eq!(
            also(&[visit("/x"), visit("/login")]),
            ("/ /login /x".into(), 3, false)
        );
    }

    #[test]
    fn what_is_not_safe_is_not_asked() {
        check(
            &[
                "a POST /form 302",
                "a HEAD / 200",
                "a GET //evil.example/ 200",
                "a GET http://evil.example/ 200",
                "a GET /gone 404",
                "a GET /fails 500",
                "a GET /secret 401",
                "a GET /../x 200",
                "a GET /?s=x 200",
                "a GET * 200",
            ],
            &[],
            10,
            &[],
            (2, 2),
        );
        check(
            &["a GET /?s=x 200", "b GET /?s=y 200"],
            &["/?s=x"],
            10,
            &["/?s=x"],
            (2, 0),
        );
    }

    #[test]
    fn files_are_a_part_and_never_all() {
        let pages: Vec<String> = (0..10)
            .map(|n| format!("a GET /page-{} 200", (b'a' + n) as char))
            .collect();
        let files: Vec<String> = (0..10)
            .map(|n| format!("{n} GET /x/f{}.css 200", (b'a' + n) as char))
            .collect();
        let rows: Vec<&str> = pages.iter().chain(&files).map(String::as_str).collect();
        check(
            &rows,
            &[],
            8,
            &[
                "/page-a",
                "/page-b",
                "/page-c",
                "/page-d",
                "/page-e",
                "/page-f",
                "/x/fa.css",
                "/x/fb.css",
            ],
            (20, 0),
        );
    }
}
