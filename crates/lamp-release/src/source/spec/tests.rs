//! What is read as what, on a machine that has four directories.

use super::*;

const THERE: [&str; 4] = ["/srv/shop", "/srv/shop@home", "repo", "/srv/a:b"];

fn read(text: &str) -> Result<SourceSpec, SpecError> {
    SourceSpec::parse(Path::new(text), |path| {
        THERE.iter().any(|there| Path::new(there) == path)
    })
}

/// Repository and reference, as they are shown; of a directory, it alone.
#[track_caller]
fn check(text: &str, expected: &str) {
    let shown = match read(text) {
        Ok(SourceSpec::Dir(dir)) => format!("dir {}", dir.display()),
        Ok(SourceSpec::Git(GitSpec { place, reference })) => match place {
            Place::Local(path) => format!("local {} at {reference}", path.display()),
            Place::Remote(address) => format!("{address} at {reference}"),
        },
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn a_directory_that_is_there_is_meant_whatever_its_name_looks_like() {
    check("/srv/shop", "dir /srv/shop");
    check("/srv/shop@home", "dir /srv/shop@home");
    check("/srv/a:b", "dir /srv/a:b");
    check("/not/there", "dir /not/there");
}

#[test]
fn a_commit_is_named_after_the_last_at() {
    check("/srv/shop@main", "local /srv/shop at main");
    check("/srv/shop@home@v1.2", "local /srv/shop@home at v1.2");
    check("/srv/a:b@feature/x", "local /srv/a:b at feature/x");
    check("repo@HEAD", "local repo at HEAD");
    check(
        "/srv/shop@refs/tags/shop@1.0",
        "local /srv/shop at refs/tags/shop@1.0",
    );
    check(
        "https://example.org/shop.git@main",
        "https://example.org/shop.git at main",
    );
    check(
        "https://ada@example.org/shop@main",
        "https://example.org/shop at main",
    );
    check(
        "ssh://git@example.org:2222/shop.git@v1",
        "ssh://example.org:2222/shop.git at v1",
    );
    check(
        "git@example.org:ada/shop.git@main",
        "example.org:ada/shop.git at main",
    );
    check(
        "https://example.org/shop?token=x@main",
        "https://example.org/shop at main",
    );
}

#[test]
fn what_is_asked_of_git_is_the_address_as_it_was_given() {
    let Ok(SourceSpec::Git(GitSpec {
        place: Place::Remote(address),
        ..
    })) = read("git@example.org:shop.git@main")
    else {
        panic!("an address");
    };
    assert_eq!(address.as_str(), "git@example.org:shop.git");
}

#[test]
fn options_and_other_ways_to_speak_are_refused() {
    check("--upload-pack=x", "\"--upload-pack=x\" begins with -");
    check("-x@main", "\"-x@main\" begins with -");
    check("ext::sh -c id@main", "ext:: is not spoken");
    check("fd::7@main", "fd:: is not spoken");
    check("https::x@main", "https:: is not spoken");
    for scheme in ["file", "git", "http", "ftp", "HTTPS", "ssh+git", "ext"] {
        check(
            &format!("{scheme}://example.org/x@main"),
            &format!("{scheme}:// is not spoken"),
        );
    }
    for (text, why) in [
        ("ssh://-oProxyCommand=x/y@main", "a part of it begins with -"),
        ("ssh://-l@example.org/y@main", "a part of it begins with -"),
        ("-h:y@main", "begins with -"),
        ("example.org:-y@main", "a part of it begins with -"),
        ("https://example.org@main", "it names no repository on the host"),
        ("https:///x@main", "it names no host"),
        ("https://example.org/@main", "it names no repository on the host"),
        (
            "https://example.org/a b@main",
            "it holds a blank or a control character",
        ),
        ("git@example.org:shop.git", "does not say which commit"),
        ("/gone@main", "there is neither a directory"),
    ] {
        let refused = read(text).expect_err(text).to_string();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}

#[test]
fn a_password_is_refused_and_not_repeated() {
    for text in [
        "https://ada:s3cret@example.org/shop.git@main",
        "https://ada:s3cret@example.org/shop.git",
        "https://:s3cret@example.org@main",
        "ssh://ada:s3cret@example.org/shop@main",
    ] {
        let refused = read(text).expect_err(text);
        assert_eq!(refused, SpecError::Password, "{text}");
        assert!(!format!("{refused} {}", refused.way_out()).contains("s3cret"));
    }
}

#[test]
fn a_reference_is_a_name_and_no_expression() {
    for good in [
        "main",
        "feature/x",
        "v1.2.3",
        "HEAD",
        "0a1b2c3",
        "refs/heads/main",
    ] {
        assert!(Reference::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "", "-x", "main~1", "main^", "a..b", "@{1}", "@", "a b", "a:b", "/a", "a/", "a//b", ".a", "a.lock",
        "a\\b", "a*", "a\u{7f}", "a.",
    ] {
        assert!(Reference::parse(bad).is_err(), "{bad:?}");
    }
    assert!(Reference::parse(&"a".repeat(REFERENCE_MAX_BYTES + 1)).is_err());
}
