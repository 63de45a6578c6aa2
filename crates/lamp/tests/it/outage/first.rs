//! A site's first deployment, where Apache still answers its address from another site: nothing that one says is a verdict
//! on the release, which is waited for until Apache has been reloaded with the site's own virtual host.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use lamp::drill::stage::{Application, SITE, Settings, Stage, StagePlan, Switching, default_parent};
use lamp_http::{Request, Scheme};
use lamp_lab::receiver::Receiver;
use lamp_lab::{Sapi, Service};
use lamp_model::plan::GateScope;
use rustix::process::{Pid, Signal, kill_process};

use crate::ground::{Beside, until};
use crate::turn;

/// Apache's file with the virtual hosts of the site.
const VIRTUAL_HOST: &str = "/etc/apache2/sites-available/000-shop.conf";
/// The log of the site that answers before.
const OTHER_LOG: &str = "/var/log/apache2/other.log";
/// Probes after which a release that answered so would have gone back; more than that many second thoughts.
const ANSWERS_ENOUGH: usize = 8;

/// A site that has no release, whose own virtual host lies ready.
struct Fresh {
    stage: Stage,
    receiver: Receiver,
    own: String,
}

impl Fresh {
    fn new() -> Self {
        let receiver = Receiver::start().expect("a receiver");
        let stage = Stage::set_up(StagePlan {
            parent: default_parent().to_owned(),
            sapi: Sapi::ModPhp,
            switching: Switching::Lamp,
            application: Application::Markers,
            releases: 1,
            lamp: env!("CARGO_BIN_EXE_lamp").into(),
            // A twin of this Apache would rehearse the other site.
            settings: Settings::guarded(receiver.url(), true).gate(GateScope::Check),
        })
        .expect("a lab");
        let own = fs_err::read_to_string(on_host(&stage, VIRTUAL_HOST)).expect("read");
        Self { stage, receiver, own }
    }

    /// Another site answers on the address, and answers whatever is asked for with this.
    fn let_another_answer(&self, status: u16) {
        let tls = self
            .own
            .lines()
            .filter(|line| line.trim().starts_with("SSL"))
            .collect::<Vec<_>>()
            .join("\n");
        let text = format!(
            "<VirtualHost *:443>\nServerName other.example\nRedirect {status} /\n{tls}\nCustomLog {OTHER_LOG} combined\n</VirtualHost>\n"
        );
        self.reload_with(&text);
    }

    /// What whoever keeps the machine does, in a second terminal.
    fn reload_with(&self, text: &str) {
        fs_err::write(on_host(&self.stage, VIRTUAL_HOST), text).expect("written");
        let pid = self.stage.lab().pid(Service::Apache).and_then(Pid::from_raw);
        kill_process(pid.expect("it runs"), Signal::USR1).expect("a graceful reload");
    }

    fn deploy(&self, bake: &str) -> Beside {
        let source = self.stage.source(0).display().to_string();
        let mut command = self
            .stage
            .command(&["deploy", SITE, "--bake", bake, "--from", &source]);
        command.env("NO_COLOR", "1").stdin(Stdio::null());
        Beside::start(command)
    }

    fn answers_of_the_other(&self) -> usize {
        let log = fs_err::read_to_string(on_host(&self.stage, OTHER_LOG)).unwrap_or_default();
        log.lines().filter(|line| line.contains("GET ")).count()
    }

    fn live(&self) -> Option<PathBuf> {
        fs_err::read_link(self.stage.store().join("current")).ok()
    }

    /// Whoever carries the deployment out waits there, once it comes by.
    fn hold(&self, point: &str) {
        fs_err::write(self.hold_point(point), "").expect("a hold point");
    }

    fn let_go(&self, point: &str) {
        fs_err::remove_file(self.hold_point(point)).expect("let go");
    }

    fn until_held(&self, point: &str) {
        let held = self.hold_point(&format!("at-{point}"));
        until(&format!("the agent waits {point}"), || held.exists());
    }

    fn hold_point(&self, point: &str) -> PathBuf {
        self.stage.place().join("state/hold").join(point)
    }

    fn answer(&self) -> u16 {
        let client = self.stage.lab().client(SITE, Scheme::Https).expect("a client");
        let client = client.build().expect("a client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let answer = runtime
            .expect("a runtime")
            .block_on(client.get(Request::new("/")));
        answer.expect("Apache answers").status.as_u16()
    }
}

fn on_host(stage: &Stage, inside: &str) -> PathBuf {
    let outside = stage.lab().on_host(Path::new(inside));
    outside.expect("a lab's /etc and /var are its own")
}

#[test]
fn a_first_release_is_waited_for_while_another_site_answers_there() {
    let _turn = turn::beside_others();
    let mut site = Fresh::new();
    site.let_another_answer(503);

    // The control: if nobody reloads Apache, it goes back, and says why.
    let ended = site.deploy("3s").ended();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = format!("{}{}", ended.out, ended.err);
    for words in ["answered nobody", "answered 503", "Apache was reloaded"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(site.live(), None);
    // Nor does it stay there if the agent is killed meanwhile.
    let deploying = site.deploy("30s");
    until("it waits", || site.live().is_some());
    site.stage.kill_agent().expect("killed");
    assert_eq!(deploying.ended().code, Some(2));
    site.stage.start_agent().expect("started");
    until("it has gone back", || site.live().is_none());

    site.let_another_answer(404);
    let before = site.answers_of_the_other();
    assert!(before > 0, "the other site was asked");

    let deploying = site.deploy("10s");
    until("the other site has answered often enough", || {
        site.answers_of_the_other() >= before + ANSWERS_ENOUGH
    });
    assert!(site.live().is_some(), "nothing has gone back for it");
    site.reload_with(&site.own);
    let ended = deploying.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(site.live().is_some());
    assert!(
        site.receiver.received().iter().all(|page| !page.is_trigger()),
        "nobody is paged"
    );
}

/// The rows of the kill table that only a first deployment has.
#[test]
fn killed_where_its_first_answer_is_awaited_a_site_is_whole_and_converges() {
    let _turn = turn::beside_others();
    let mut site = Fresh::new();
    let points = ["before-await-answer", "after-await-answer"];
    for point in points {
        site.hold(point);
        let deploying = site.deploy("0s");
        site.until_held(point);
        assert_eq!(
            site.answer(),
            200,
            "{point}: the control: the release does answer"
        );
        site.stage.kill_agent().expect("killed");
        site.let_go(point);
        assert_eq!(deploying.ended().code, Some(2), "{point}");
        site.stage.start_agent().expect("started");
        until("nobody proved it: it has gone back", || site.live().is_none());
        assert_eq!(
            site.answer(),
            503,
            "{point}: no release answers, and none did before"
        );
    }
    for point in points {
        let site = Fresh::new();
        site.hold(point);
        let mut deploying = site.deploy("0s");
        site.until_held(point);
        deploying.kill();
        site.let_go(point);
        until("it is confirmed, whoever watched", || {
            let status = site.stage.command(&["status", SITE, "--format", "json"]).output();
            let status = String::from_utf8(status.expect("run").stdout).expect("text");
            status.contains("\"good\"")
        });
        assert_eq!(site.answer(), 200, "{point}");
    }
    let ended = site.deploy("0s").ended();
    assert_eq!(ended.code, Some(0), "run again, it converges: {ended:?}");
    assert!(
        site.receiver.received().iter().all(|page| !page.is_trigger()),
        "nobody is paged"
    );
}
