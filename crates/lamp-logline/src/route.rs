//! Requests that are alike: a path in which what only counts or names one thing is replaced.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest shape, in bytes; a longer one ends in `{more}`.
pub const SHAPE_MAX_BYTES: usize = 200;
/// Segments that are kept apart.
pub const SEGMENTS_MAX: usize = 8;
/// The shortest text of hexadecimal digits that counts as an id.
const HEX_MIN_BYTES: usize = 8;

/// The shape of a path: `/order/1234/line/9f86d081` is `/order/{number}/line/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RouteShape(String);

impl RouteShape {
    /// The shape of `path`, whose query is not part of it.
    pub fn of(path: &str) -> Self {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let mut shape = String::new();
        for (place, segment) in path.trim_start_matches('/').split('/').enumerate() {
            let segment = segment_shape(segment);
            if place == SEGMENTS_MAX || shape.len() + segment.len() >= SHAPE_MAX_BYTES - "/{more}".len() {
                shape.push_str("/{more}");
                break;
            }
            shape.push('/');
            shape.push_str(segment);
        }
        Self(shape)
    }

    /// The shape as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RouteShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn segment_shape(segment: &str) -> &str {
    let is_number = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        return "{number}";
    }
    let hex = segment.bytes().filter(u8::is_ascii_hexdigit).count();
    let is_id = hex >= HEX_MIN_BYTES
        && segment.bytes().any(|byte| byte.is_ascii_digit())
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_id { "{id}" } else { segment }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, shape: &str) {
        assert_eq!(RouteShape::of(path).as_str(), shape, "{path}");
    }

    #[test]
    fn what_counts_or_names_one_thing_is_replaced() {
        check("/", "/");
        check("", "/");
        check("/shop/", "/shop/");
        check("/order/1234/line/9f86d081", "/order/{number}/line/{id}");
        check("/u/123e4567-e89b-12d3-a456-426614174000?x=1", "/u/{id}");
        check("/2026/11/a-post", "/{number}/{number}/a-post");
        check("/facade/beaded", "/facade/beaded");
        check("/style-7.css", "/style-7.css");
    }

    #[test]
    fn shapes_are_bounded() {
        check(
            "/1/2/3/4/5/6/7/8/9/10",
            &format!("{}/{{more}}", "/{number}".repeat(8)),
        );
        let long = RouteShape::of(&format!("/{}", "x".repeat(5_000)));
        assert_eq!(long.as_str(), "/{more}");
    }
}
