//! T11: a corpus of awkward URLs is answered the same with our lines and without.
//!
//! Both virtual hosts stand in one Apache, on two addresses and one port, and serve the same files under the same path;
//! so status, `Location` and body are compared as they are, PHP's whole `$_SERVER` among them.

use std::collections::BTreeSet;

use fs_err as fs;
use fs_err::os::unix::fs::symlink;

use crate::client::{Answer, Connection};
use crate::config::{OTHER_SITE, PLAIN_SITE, SITE};
use crate::stack::{Sapi, Setup, Stack};
use crate::store::{Store, put};

/// Asked with GET.
const PATHS: &[&str] = &[
    // plain, index, path info
    "/",
    "/index.php",
    "/which.txt",
    "/which.php",
    "/dump.php?a=1&b[]=%20",
    "/dump.php/path/info",
    "/dump.php/",
    "/which.txt/",
    "/which.txt/more",
    "/dump.php//double",
    "/dump.php/%2e%2e/x",
    "/dump.php/a%3Fb",
    "/?dump.php",
    "/index.php?..%2f..%2fetc",
    // directories
    "/sub",
    "/sub/",
    "/sub?x=1",
    "/sub/?x=1",
    "/sub/.",
    "/sub/..",
    "/sub/../",
    "/noindex/",
    "/listed/",
    "/listed",
    "/listed/?C=M;O=D",
    // slashes
    "//",
    "//which.txt",
    "///sub//b.txt",
    "/sub//",
    "//sub",
    "//which.php",
    "//shop.example/which.txt",
    "/.//which.txt",
    // dots and traversal
    "/./which.txt",
    "/sub/../which.txt",
    "/../which.txt",
    "/../../../../etc/passwd",
    "/sub/../../b/which.txt",
    "/..",
    "/...",
    "/.",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/%2e/which.txt",
    "/..%2f..%2fetc/passwd",
    "/%2e%2e%2fb/which.txt",
    "/sub/%2e%2e/%2e%2e/b/which.txt",
    "/..%5c..%5cetc/passwd",
    "/..;/which.txt",
    "/.%2e/.%2e/b/which.txt",
    "/%252e%252e/which.txt",
    "/..%c0%af../etc/passwd",
    "/../a/which.txt",
    "/releases/a/which.txt",
    "/current/which.txt",
    "/aliased/../../outside/canary.txt",
    // encodings
    "/%77hich.txt",
    "/which%2Etxt",
    "/which.txt%00",
    "/which%00.txt",
    "/which.txt%2F",
    "/sub%2Fb.txt",
    "/sub%2fb.txt",
    "/a%3Fb.txt",
    "/a?b.txt",
    "/sp%20ace.txt",
    "/sp+ace.txt",
    "/plus+plus.txt",
    "/%E2%98%83.txt",
    "/\u{2603}.txt",
    "/%FF",
    "/%zz",
    "/%",
    "/%2",
    "/%u0041",
    "/which.txt%20",
    "/which.txt.",
    "/which.txt;x=1",
    "/which.txt%0a",
    "/which.txt%0d%0aX:1",
    "/which.txt\\",
    "/sub\\b.txt",
    "/sub%5Cb.txt",
    "/which.txt#part",
    "/WHICH.TXT",
    "/%2577hich.txt",
    "/dump.php%2Fx",
    "/dump%2Ephp",
    "/dump.php%00.txt",
    "/which.txt%3F",
    "/per%25cent.txt",
    // denied
    "/.htaccess",
    "/.ht%61ccess",
    "/.htaccess/",
    "//.htaccess",
    "/sub/.htaccess",
    "/secret/key.txt",
    "/secret%2Fkey.txt",
    "/secret//key.txt",
    "/secret/../secret/key.txt",
    "/denied.inc",
    "/denied%2Einc",
    "/denied.inc/x",
    "/secret",
    "/secret/",
    // Alias, UserDir
    "/aliased",
    "/aliased/",
    "/aliased/x.txt",
    "/aliasedx",
    "/aliased/../which.txt",
    "/%61liased/x.txt",
    "/~root/",
    "/~www-data",
    "/~",
    // server rewrite rules, mod_alias redirects
    "/old/page",
    "/old/a%2Fb",
    "/rooted/which.txt",
    "/rooted/nothing",
    "/perm/x?y=1",
    "/gone",
    // .htaccess without RewriteBase: the front controller
    "/app",
    "/app/",
    "/app/pretty/url",
    "/app/pretty%20url",
    "/app/pretty%3Furl",
    "/app/pretty%2Furl",
    "/app//pretty",
    "/app/exists.txt",
    "/app/exists.txt/x",
    "/app/deep/",
    "/app/deep/er",
    "/app/index.php",
    "/app/index.php/info",
    "/app/moved",
    "/app/forbidden/x",
    "/app/asset/x.txt",
    // missing, and what ErrorDocument makes of it
    "/missing",
    "/missing.php",
    "/missing/deeper.php/x",
    "/sub/missing",
    "/missing?x=1",
    "/noindex/missing",
    // links in the release, content negotiation, server-side includes
    "/inner.txt",
    "/innerdir/b.txt",
    "/dangling.txt",
    "/negotiated",
    "/negotiated.html",
    "/parts.shtml",
];

/// Asked as they stand.
const RAW: &[&str] = &[
    "GET http://shop.example/which.txt HTTP/1.1",
    "GET http://shop.example/sub HTTP/1.1",
    "GET http://other.example/which.php HTTP/1.1",
    "GET http://shop.example HTTP/1.1",
    "GET https://shop.example/which.txt HTTP/1.1",
    "GET ftp://shop.example/which.txt HTTP/1.1",
    "GET * HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "OPTIONS /which.txt HTTP/1.1",
    "OPTIONS /dump.php HTTP/1.1",
    "GET which.txt HTTP/1.1",
    "GET ../which.txt HTTP/1.1",
    "GET ?x HTTP/1.1",
    "POST /dump.php HTTP/1.1",
    "POST /which.txt HTTP/1.1",
    "PUT /which.txt HTTP/1.1",
    "DELETE /which.txt HTTP/1.1",
    "TRACE /which.txt HTTP/1.1",
    "FOO /which.txt HTTP/1.1",
    "FOO /dump.php HTTP/1.1",
    "CONNECT shop.example:80 HTTP/1.1",
    "get /which.txt HTTP/1.1",
    "GET /which.txt HTTP/1.0",
    "GET /which.txt HTTP/9.9",
    "GET /which.txt",
    "GET  /which.txt HTTP/1.1",
    "GET /which.txt x HTTP/1.1",
    "GET",
    "PROPFIND / HTTP/1.1",
    "HEAD /dump.php HTTP/1.0",
];

const LINES: &str = r"
    UserDir disabled
    ErrorDocument 404 /dump.php
    ErrorDocument 403 /which.txt
    RewriteRule ^/old/(.*)$ /dump.php/$1 [L]
    RewriteCond %{DOCUMENT_ROOT}/$1 -f
    RewriteRule ^/rooted/(.*)$ %{DOCUMENT_ROOT}/$1 [L]
    Redirect 301 /perm /which.txt
    Redirect gone /gone
";

const HTACCESS: &str = "<Files denied.inc>\nRequire all denied\n</Files>\n<FilesMatch \"^\\.ht\">\nRequire all denied\n</FilesMatch>\n\
    Options -Indexes +MultiViews\n";

/// Laravel's, Drupal's and MediaWiki's habits: a front controller found without RewriteBase, the document root in a condition.
const APP_HTACCESS: &str = r"
RewriteEngine On
RewriteRule ^moved$ elsewhere [R=302,L]
RewriteRule ^forbidden/ - [F]
RewriteCond %{DOCUMENT_ROOT}/app/public/$1 -f
RewriteRule ^asset/(.*)$ public/$1 [L]
RewriteCond %{REQUEST_FILENAME} !-f
RewriteCond %{REQUEST_FILENAME} !-d
RewriteRule ^(.*)$ index.php?path=$1 [QSA,L]
";

fn fill(store: &Store) {
    for id in ["a", "b"] {
        let release = store.release(id);
        let dump = fs::read_to_string(release.join("dump.php")).expect("the page");
        for path in [
            "sub/b.txt",
            "noindex/x.txt",
            "listed/x.txt",
            "a?b.txt",
            "sp ace.txt",
            "plus+plus.txt",
            "\u{2603}.txt",
            "per%cent.txt",
            "secret/key.txt",
            "denied.inc",
            "app/exists.txt",
            "app/public/x.txt",
            "app/deep/x.txt",
            "negotiated.html",
            "sub/index.html",
        ] {
            put(&release.join(path), &format!("{path} of {id}"));
        }
        put(&release.join("app/index.php"), &dump);
        put(&release.join(".htaccess"), HTACCESS);
        put(&release.join("sub/.htaccess"), "# nothing\n");
        put(&release.join("app/.htaccess"), APP_HTACCESS);
        put(
            &release.join("listed/.htaccess"),
            "Options +Indexes\nIndexOptions SuppressLastModified\n",
        );
        put(&release.join("secret/.htaccess"), "Require all denied\n");
        put(
            &release.join("parts.shtml"),
            "<!--#include virtual=\"/app/pretty\" --><!--#include file=\"dump.php\" --><!--#echo var=\"DOCUMENT_ROOT\" -->",
        );
        symlink("which.txt", release.join("inner.txt")).expect("a link");
        symlink("sub", release.join("innerdir")).expect("a link");
        symlink("nothing", release.join("dangling.txt")).expect("a link");
    }
}

fn ask(stack: &Stack, site: &str, line: &str) -> Answer {
    let mut connection = Connection::new(stack.connect(site));
    connection.send(&format!(
        "{line}\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
    ));
    connection.rest()
}

fn corpus() -> Vec<String> {
    let long = [
        "a".repeat(250),
        "a".repeat(300),
        "a/".repeat(200),
        "a/".repeat(2_300),
        "a".repeat(9_000),
    ];
    let gets = PATHS
        .iter()
        .map(ToString::to_string)
        .chain(long.map(|path| format!("/{path}")));
    gets.map(|path| format!("GET {path} HTTP/1.1"))
        .chain(RAW.iter().map(ToString::to_string))
        .collect()
}

/// What the whole corpus came to, so that equality of nothing with nothing is not taken for a proof.
#[derive(Default)]
struct Tally {
    differing: Vec<(String, Answer, Answer)>,
    statuses: BTreeSet<u16>,
    /// Answers in which PHP tells its variables.
    told: usize,
    /// URLs that another release answers otherwise.
    differing_release: usize,
}

impl Tally {
    fn count(&mut self, stack: &Stack, line: String) {
        let [ours, plain, other] = [SITE, PLAIN_SITE, OTHER_SITE].map(|site| ask(stack, site, &line));
        self.statuses.insert(plain.status);
        self.told += usize::from(plain.body.contains("\"DOCUMENT_ROOT\":"));
        self.differing_release += usize::from(other != plain);
        if ours != plain {
            self.differing.push((line, plain, ours));
        }
    }
}

#[test]
fn awkward_urls_are_answered_as_by_a_plain_apache() {
    for sapi in [Sapi::Prefork, Sapi::Event] {
        let stack = Stack::start_with(
            &Setup {
                lines: LINES,
                ..Setup::of(sapi)
            },
            fill,
        );
        let mut tally = Tally::default();
        corpus().into_iter().for_each(|line| tally.count(&stack, line));
        assert!(tally.differing.is_empty(), "{:#?}", tally.differing);
        for status in [200, 301, 302, 400, 403, 404, 405, 410, 414, 501] {
            assert!(
                tally.statuses.contains(&status),
                "the corpus reaches {:?} only",
                tally.statuses
            );
        }
        assert!(
            tally.told > 60,
            "PHP tells its variables on {} URLs only",
            tally.told
        );
        assert!(
            tally.differing_release > 60,
            "{} URLs tell releases apart",
            tally.differing_release
        );
    }
}
