//! `lamp demo`: the outage replayed ([`outage`]), or switches beside those of a symlink ([`switches`]).
//!
//! Everything happens in a lab of its own; production, if this host has any, is not touched.

pub mod board;
pub mod outage;
pub mod picture;
pub mod show;
pub mod switches;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lamp_lab::Sapi;

use super::Exit;
use super::args::DemoArgs;
use crate::errors::Trouble;

/// Holds the drill that was asked for, and shows its board.
pub fn run_demo(args: &DemoArgs) -> Result<Exit, Trouble> {
    if args.switches {
        switches::run_switches(args)
    } else {
        outage::run_outage(args)
    }
}

const fn words(sapi: Sapi) -> &'static str {
    match sapi {
        Sapi::ModPhp => "Apache and mod_php",
        Sapi::Fpm => "Apache and php-fpm",
    }
}

/// Set by Ctrl-C; every wait of the demo looks at it, and leaving the demo removes its labs.
fn interrupt_flag() -> std::io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let of_thread = Arc::clone(&flag);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let wait = move || {
        runtime.block_on(async {
            let _ = tokio::signal::ctrl_c().await;
            of_thread.store(true, Ordering::Relaxed);
        });
    };
    std::thread::Builder::new()
        .name("lamp-interrupt".into())
        .spawn(wait)?;
    Ok(flag)
}

/// Where the demo's labs are made.
pub fn default_dir() -> PathBuf {
    crate::drill::stage::default_parent().to_owned()
}
