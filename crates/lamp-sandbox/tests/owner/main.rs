//! An owner that crash drills can kill: `lamp-sandbox-owner INIT PLAN PROGRAM [ARG]...` starts a sandbox by the
//! plan in a file, runs one program in it, and ends it.

use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;

use lamp_sandbox::{Exit, InitProgram};

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1)) {
        Ok(Exit::Code(code)) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Ok(Exit::Signal(_)) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lamp-sandbox-owner: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(mut args: impl Iterator<Item = OsString>) -> Result<Exit, Box<dyn Error>> {
    let mut next = || {
        args.next()
            .ok_or("usage: lamp-sandbox-owner INIT PLAN PROGRAM [ARG]...")
    };
    let init = InitProgram::new(next()?);
    let plan = serde_json::from_slice(&fs_err::read(next()?)?)?;
    let program = next()?;
    let sandbox = lamp_sandbox::start(&plan, &init)?;
    let exit = sandbox.command(program).args(args).spawn()?.wait()?;
    sandbox.kill()?;
    Ok(exit)
}
