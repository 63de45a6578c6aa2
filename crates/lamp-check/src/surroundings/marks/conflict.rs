//! The marks that git leaves in a file whose merge was not finished.

/// What an unfinished merge begins with.
pub(super) const BEGINS: &str = "<<<<<<< ";
/// Most bytes between the beginning and the end of one.
const LENGTH_MAX: usize = 256 * 1024;

/// Whether the whole of it stands here: the beginning of a line, `=======` alone on a later one, `>>>>>>> ` after that.
pub(super) fn is_whole(bytes: &[u8], at: usize) -> bool {
    if at > 0 && bytes[at - 1] != b'\n' {
        return false;
    }
    let end = bytes.len().min(at + LENGTH_MAX);
    let mut lines = bytes[at..end].split(|byte| *byte == b'\n').skip(1);
    let is_middle = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line) == b"=======";
    lines.any(is_middle) && lines.any(|line| line.starts_with(b">>>>>>> "))
}

#[cfg(test)]
mod tests {
    use super::super::look;

    #[track_caller]
    fn check(text: &str, line: Option<u32>) {
        assert_eq!(look(text.as_bytes()).conflict.map(|at| at.line), line, "{text:?}");
    }

    #[test]
    fn a_merge_that_was_not_finished_is_told_from_text_about_one() {
        check("a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> topic\n", Some(2));
        check("<<<<<<< HEAD\r\n=======\r\n>>>>>>> topic\r\n", Some(1));
        check(
            "<<<<<<< HEAD\nb\n||||||| base\nx\n=======\nc\n>>>>>>> topic\n",
            Some(1),
        );
        check(" * <<<<<<< HEAD\n=======\n>>>>>>> topic\n", None);
        check("<<<<<<< HEAD\nb\n", None);
        check("Title\n=======\n>>>>>>> topic\n", None);
        check("<<<<<<< HEAD\n========\n>>>>>>> topic\n", None);
    }
}
