//! Links of a page that lead to pages of the same site. Pure.

use lamp_logline::AskablePath;

use super::choose::Route;

/// Adds routes that `page`, the answer to `asked`, leads to and that are not there yet, up to `most` in all.
pub(super) fn add_links(routes: &mut Vec<Route>, page: &str, asked: &str, hostname: &str, most: usize) {
    for path in links(page, asked, hostname) {
        if routes.len() >= most {
            return;
        }
        let route = Route::of(&path);
        if routes.iter().all(|known| known.shape != route.shape) {
            routes.push(route);
        }
    }
}

/// Paths that `page` links to, in its order.
fn links<'a>(page: &'a str, asked: &'a str, hostname: &'a str) -> impl Iterator<Item = String> + 'a {
    let tags = page.split("<a ").skip(1);
    let hrefs = tags.filter_map(|tag| attribute(tag.split('>').next().unwrap_or_default()));
    hrefs.filter_map(move |href| path_of(href, asked, hostname))
}

/// The value of `href` among a tag's attributes.
fn attribute(tag: &str) -> Option<&str> {
    let value = tag.split_once("href=")?.1;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split(quote).next()
}

fn path_of(href: &str, asked: &str, hostname: &str) -> Option<String> {
    let href = href.split('#').next().unwrap_or_default();
    let own = ["https://", "http://"]
        .iter()
        .find_map(|scheme| href.strip_prefix(scheme));
    let path = match own {
        Some(rest) => rest
            .strip_prefix(hostname)
            .filter(|path| path.starts_with('/'))?
            .to_owned(),
        None if href.starts_with('/') => href.to_owned(),
        // Another scheme, as mailto.
        None if href.is_empty() || href.contains(':') => return None,
        None => format!(
            "{}{href}",
            asked
                .rsplit_once('/')
                .map_or("/", |(dir, _)| asked.get(..=dir.len()).unwrap_or("/"))
        ),
    };
    AskablePath::parse(&path)
        .ok()
        .map(|path| path.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_of_the_same_site_are_followed() {
        let page = r##"<a href="/a">x</a><a class='b' href='https://shop.example/b/c'>x</a><a href="//evil.example/x">
            <a href="https://evil.example/y"><a href="https://shop.example.evil/z"><a href="#top"><a href="mailto:x@y">
            <a href="?p=1"><a href="next.php#x"><a href="/d?x=1"><a href="../up"><a name="n"><a href="/a"><link href="/no">"##;
        let mut routes = vec![Route::of("/blog/")];
        add_links(&mut routes, page, "/blog/", "shop.example", 10);
        let paths: Vec<_> = routes.iter().map(|route| route.path.as_str()).collect();
        assert_eq!(paths, ["/blog/", "/a", "/b/c", "/blog/next.php"]);
        let mut few = vec![Route::home()];
        add_links(&mut few, page, "/", "shop.example", 2);
        assert_eq!(few.len(), 2);
    }
}
