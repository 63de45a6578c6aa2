//! Who sends pages, and whether anybody does.

use super::Check;

/// What is known of the senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// lamp.toml names no pager.
    NotWanted,
    /// No agent answers, so nothing is found that could be told.
    NoAgent,
    /// The agent.
    Agent,
    /// `lamp serve` has taken it over.
    Controller,
}

/// Whether somebody does.
pub(super) fn check(sender: Sender) -> Check {
    let fine = |found: &str| Check::fine("page", "sender", found);
    match sender {
        Sender::NotWanted => fine("nobody is paged: lamp.toml has no [page]"),
        Sender::Agent => fine("the agent; no `lamp serve` has taken it over"),
        Sender::Controller => fine("`lamp serve`"),
        Sender::NoAgent => Check::lacking(
            "page",
            "sender",
            "no agent answers: nothing is watched and nobody is paged",
            "start one: `systemctl start lamp-agent`, or `lamp agent` as root",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::text;
    use super::*;

    #[test]
    fn each_sender_has_its_words() {
        let all = [
            Sender::NotWanted,
            Sender::NoAgent,
            Sender::Agent,
            Sender::Controller,
        ];
        let said: Vec<String> = all.into_iter().map(|sender| text(&check(sender))).collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
