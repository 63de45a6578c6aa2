//! Fakes and contract suites for tests; a dev-dependency only.
