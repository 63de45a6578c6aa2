//! The kill table of the paging while a controller has it: the controller or the agent is killed on either side of a
//! page's result coming to the controller's disk, and to the log. The receiver has one incident, told again only if no
//! disk had the result; its resolve always follows, and comes last.

use lamp_agent::hold::{Moment, Side, Told, point};
use lamp_lab::receiver::{Alert, Manner};
use lamp_model::incident::PageAction;

use super::stand::Stand;
use crate::ground::until;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Serve,
    Agent,
    /// First the controller, then the agent: nobody is left who heard the receiver.
    Both,
}

/// One row.
#[derive(Debug, Clone, Copy)]
struct Row {
    moment: Moment,
    side: Side,
    victim: Victim,
}

#[test]
fn whoever_is_killed_while_a_controller_pages_it_is_told_once_and_resolved() {
    let actions = [PageAction::Trigger, PageAction::Resolve];
    let moments = actions.map(|action| [Moment::Kept(action), Moment::Record(Told::PageSettled(action))]);
    for moment in moments.into_iter().flatten() {
        for side in Side::ALL {
            for victim in [Victim::Serve, Victim::Agent, Victim::Both] {
                Row { moment, side, victim }.run();
            }
        }
    }
}

impl Row {
    fn name(self) -> String {
        format!("{:?} killed {}", self.victim, point(self.side, self.moment))
    }

    fn run(self) {
        eprintln!("{}", self.name());
        let stand = Stand::new(Manner::Fails);
        let agent = stand.ground.agent();
        let serve = stand.serve();
        serve.until_well();
        self.hold(&stand);
        stand.receiver.be(Manner::Accepts);
        self.until_held(&stand);
        let (mut serve, mut agent) = (Some(serve), Some(agent));
        if self.victim != Victim::Agent {
            serve.take().expect("it lives").kill();
        }
        if self.victim != Victim::Serve {
            agent.take().expect("it lives").kill();
        }
        self.let_go(&stand);
        let serve = serve.unwrap_or_else(|| stand.serve());
        let agent = agent.unwrap_or_else(|| stand.ground.agent());
        self.check(&stand);
        serve.until_well();
        drop(agent);
    }

    /// Whose hold points: the controller's, or the agent's.
    fn hold_points(self, stand: &Stand) -> std::path::PathBuf {
        let whose = if matches!(self.moment, Moment::Kept(_)) {
            "serve"
        } else {
            "state"
        };
        stand.ground.path(whose).join("hold")
    }

    fn hold(self, stand: &Stand) {
        stand.write_for_serve(&self.hold_points(stand).join(point(self.side, self.moment)));
    }

    fn until_held(self, stand: &Stand) {
        let at = self
            .hold_points(stand)
            .join(format!("at-{}", point(self.side, self.moment)));
        until(&self.name(), || at.exists());
        if self.moment == Moment::Record(Told::PageSettled(PageAction::Trigger)) {
            // The controller goes on with the resolve meanwhile: what came of that is on its disk, too.
            let kept = stand.ground.path("serve/results.json");
            let has_second = || fs_err::read_to_string(&kept).is_ok_and(|kept| kept.contains("\"2\":"));
            until(&self.name(), has_second);
        }
    }

    fn let_go(self, stand: &Stand) {
        let point = point(self.side, self.moment);
        for name in [point.clone(), format!("at-{point}")] {
            // Who lives takes the second away itself.
            let _ = fs_err::remove_file(self.hold_points(stand).join(name));
        }
    }

    #[track_caller]
    fn check(self, stand: &Stand) {
        let case = self.name();
        until(&format!("{case}: the log has a result of both"), || {
            stand.settled().len() == 2
        });
        let alert = stand.receiver.alerts()["a"];
        assert_eq!(alert, self.expected(), "{case}: {:#?}", stand.receiver.received());
        let received = stand.receiver.received();
        assert!(
            received
                .last()
                .is_some_and(lamp_lab::receiver::Received::is_resolve),
            "{case}"
        );
        let world = crate::log_check::whole(&stand.ground.path("state/log.sqlite"), &case);
        assert!(world.outbox.is_empty(), "{case}");
    }

    /// Only what the controller had not yet kept is sent again.
    fn expected(self) -> Alert {
        let is_lost = self.victim != Victim::Agent && self.side == Side::Before;
        let lost = |action| u32::from(is_lost && self.moment == Moment::Kept(action));
        Alert {
            opened: 1,
            repeated: lost(PageAction::Trigger),
            dropped: lost(PageAction::Resolve),
            is_open: false,
        }
    }
}
