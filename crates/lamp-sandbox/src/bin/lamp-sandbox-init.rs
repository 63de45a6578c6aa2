//! The init program of this crate's own tests; the product uses `lamp sandbox-init`.
//!
//! `lamp-sandbox-init run PLAN PROGRAM [ARG]...` starts a sandbox by the plan in a file, runs one program in
//! it, and ends it: an owner that crash drills can kill.

use std::error::Error;
use std::process::ExitCode;

use lamp_sandbox::{Exit, InitProgram};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_none_or(|verb| verb != "run") {
        lamp_sandbox::init_main()
    }
    match run(args) {
        Ok(Exit::Code(code)) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Ok(Exit::Signal(_)) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lamp-sandbox-init: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(mut args: impl Iterator<Item = std::ffi::OsString>) -> Result<Exit, Box<dyn Error>> {
    let usage = "usage: lamp-sandbox-init run PLAN PROGRAM [ARG]...";
    let plan = serde_json::from_slice(&fs_err::read(args.next().ok_or(usage)?)?)?;
    let program = args.next().ok_or(usage)?;
    let sandbox = lamp_sandbox::start(&plan, &InitProgram::new(std::env::current_exe()?))?;
    let exit = sandbox.command(program).args(args).spawn()?.wait()?;
    sandbox.kill()?;
    Ok(exit)
}
