//! Starts the lab whose plan comes by standard input as one line of JSON, says so by the file
//! `<state dir>.ready`, and keeps it until it is killed or standard input ends. For tests that kill a lab's
//! owner, and for a look at a lab by hand.

use std::io::{self, Read};

use fs_err as fs;
use lamp_lab::{Lab, LabPlan};
use lamp_sandbox::InitProgram;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let plan: LabPlan = serde_json::from_str(&line)?;
    let ready = plan.state_dir().with_extension("ready");
    let init = std::env::current_exe()?.with_file_name("lamp-lab-init");
    let lab = Lab::start(plan, &InitProgram::new(init))?;
    fs::write(&ready, lab.state_dir().display().to_string())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    fs::remove_file(ready)?;
    lab.end()?;
    Ok(())
}
