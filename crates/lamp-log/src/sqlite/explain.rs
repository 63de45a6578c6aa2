//! What an error of SQLite means for the log, and what one can do about it.

use std::path::Path;

use lamp_model::port::AppendError;
use rusqlite::ErrorCode;

/// The cause in words and the way out, by SQLite's code.
const WAYS_OUT: [(ErrorCode, &str); 8] = [
    (
        ErrorCode::DiskFull,
        "the disk is full; free space on the filesystem that holds it and try again, nothing acknowledged is lost",
    ),
    (
        ErrorCode::SystemIoFailure,
        "the disk reports an error; look for its cause in the kernel's log (dmesg)",
    ),
    (
        ErrorCode::DatabaseBusy,
        "another process has been writing to it for seconds; find it with `fuser` and try again",
    ),
    (
        ErrorCode::ReadOnly,
        "it cannot be written; check its owner, its mode, and whether its filesystem is mounted read-only",
    ),
    (
        ErrorCode::CannotOpen,
        "it cannot be opened; check that its directory exists and that this user may write there",
    ),
    (
        ErrorCode::PermissionDenied,
        "this user may not open it; run the command as root",
    ),
    (
        ErrorCode::DatabaseCorrupt,
        "its contents are damaged; keep a copy and put the last backup in its place",
    ),
    (
        ErrorCode::NotADatabase,
        "it is no event log; keep a copy and move it away",
    ),
];

/// The file, the cause and the way out in one sentence.
pub(super) fn explain(path: &Path, error: &rusqlite::Error) -> String {
    let code = error.sqlite_error_code();
    let known = WAYS_OUT.iter().find(|(of, _)| Some(*of) == code);
    let way_out = known.map_or("the cause is not one that this lamp knows", |(_, text)| text);
    format!("{}: {way_out} (SQLite: {error})", path.display())
}

/// What failed before the commit was never written.
pub(super) fn not_written(path: &Path, error: &rusqlite::Error) -> AppendError {
    AppendError::Unavailable {
        why: explain(path, error),
    }
}

/// What a failed commit means for its records.
///
/// A commit whose write met a full disk, or a lock, did not happen: in WAL mode the frame that makes a
/// transaction count is written last, and a torn one fails its checksum on recovery. After any other
/// failure, that of the last fsync above all, the frame may be on disk or not.
pub(super) fn failed_commit(path: &Path, error: &rusqlite::Error) -> AppendError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy) => not_written(path, error),
        _ => {
            // The caller learns only that the result is unknown; the cause would be lost with it.
            tracing::error!(path = %path.display(), error = explain(path, error), "commit failed");
            AppendError::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(result_code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(result_code), None)
    }

    /// Codes of sqlite.org/rescode.html: FULL 13, BUSY 5, IOERR_WRITE 778, IOERR_FSYNC 1034.
    #[test]
    fn only_a_commit_that_cannot_have_happened_counts_as_not_written() {
        let path = Path::new("/var/lib/lamp/log.sqlite");
        for not_written in [13, 5] {
            let fate = failed_commit(path, &failure(not_written));
            assert!(
                matches!(fate, AppendError::Unavailable { .. }),
                "{not_written}: {fate}"
            );
        }
        for unknown in [778, 1034] {
            assert_eq!(
                failed_commit(path, &failure(unknown)),
                AppendError::Unknown,
                "{unknown}"
            );
        }
    }
}
