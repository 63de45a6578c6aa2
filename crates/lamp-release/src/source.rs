//! What a directory would be as a release.
