//! Makes the kernel's filter of a plan's table of refused calls.
//!
//! A program of seccomp gives one answer to what it matches, so there is one per answer, all installed.

mod numbers;

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

use crate::error::{Doing, Refused};
use crate::plan::{Argument, DeniedCall, Refusal, SyscallFilter};

/// The programs of `table`, to be installed in order.
pub(crate) fn compile(table: &SyscallFilter) -> Result<Vec<BpfProgram>, Refused> {
    let of = |refusal| compile_one(table, refusal);
    Ok(vec![
        of(Refusal::Eperm)?,
        of(Refusal::Enosys)?,
        refuse_other_numbering(),
    ])
}

/// Installs the programs in this process, for good.
pub(crate) fn apply(programs: &[BpfProgram]) -> Result<(), Refused> {
    programs.iter().try_for_each(|program| {
        seccompiler::apply_filter(program)
            .map_err(|error| io::Error::other(error.to_string()))
            .doing(|| "installing the filter of system calls".to_owned())
    })
}

fn compile_one(table: &SyscallFilter, refusal: Refusal) -> Result<BpfProgram, Refused> {
    let doing = || format!("compiling the filter of system calls, {refusal:?}");
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for denied in table.denied.iter().filter(|denied| denied.refusal == refusal) {
        let number = numbers::of(&denied.call)
            .ok_or_else(|| io::Error::other(format!("no system call {} is known", denied.call)))
            .doing(doing)?;
        // A call that this machine's processor type never had needs no refusal.
        if let Some(number) = number {
            rules.insert(
                number,
                conditions(denied)
                    .map_err(|error| io::Error::other(error.to_string()))
                    .doing(doing)?,
            );
        }
    }
    let errno = match refusal {
        Refusal::Eperm => libc::EPERM,
        Refusal::Enosys => libc::ENOSYS,
    };
    let answer = SeccompAction::Errno(errno.unsigned_abs());
    let arch = TargetArch::try_from(std::env::consts::ARCH);
    let program = arch
        .and_then(|arch| SeccompFilter::new(rules, SeccompAction::Allow, answer, arch))
        .and_then(BpfProgram::try_from);
    program
        .map_err(|error| io::Error::other(error.to_string()))
        .doing(doing)
}

fn conditions(denied: &DeniedCall) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let rule = |arguments: &Vec<Argument>| {
        let all: Result<Vec<_>, _> = arguments.iter().map(condition).collect();
        SeccompRule::new(all?)
    };
    denied.when.iter().map(rule).collect()
}

/// The kernel reads families, requests, modes and clone flags from the low half of the register.
fn condition(argument: &Argument) -> Result<SeccompCondition, seccompiler::BackendError> {
    let (index, op, value) = match *argument {
        Argument::Is { index, value } => (index, SeccompCmpOp::Eq, value),
        Argument::IsNot { index, value } => (index, SeccompCmpOp::Ne, value),
        Argument::Bits { index, mask, value } => (index, SeccompCmpOp::MaskedEq(mask), value),
    };
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, op, value)
}

/// x86-64 has a second numbering of its calls (x32, from this number on) that the table does not name: there
/// is no such call, whatever it is. Other numberings (32-bit programs) are killed by the programs above.
const OTHER_NUMBERING: u32 = 0x4000_0000;

/// Load the call's number; refuse if it is at or above [`OTHER_NUMBERING`]; else allow (linux/filter.h).
fn refuse_other_numbering() -> BpfProgram {
    const LOAD_WORD: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        step(LOAD_WORD, 0, 0, 0),
        step(JUMP_IF_AT_LEAST, 0, 1, OTHER_NUMBERING),
        step(
            RETURN,
            0,
            0,
            libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs(),
        ),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_the_twins_table_is_known() {
        for denied in SyscallFilter::twin().denied {
            assert!(numbers::of(&denied.call).is_some(), "{}", denied.call);
        }
        assert!(compile(&SyscallFilter::twin()).is_ok());
    }

    /// In a twin the kernel refuses a block device even without the filter. Here the filter stands alone: a
    /// thread of root's own enters it.
    #[test]
    fn the_filter_alone_refuses_both_kinds_of_device() {
        use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
        let place = tempfile::tempdir().expect("a directory");
        let make = |name: &str, kind| mknodat(CWD, place.path().join(name), kind, Mode::RUSR, makedev(1, 3));
        let kinds = [FileType::CharacterDevice, FileType::BlockDevice];
        for kind in kinds {
            assert_eq!(make(&format!("{kind:?}"), kind), Ok(()), "the control, as root");
        }
        let held = || {
            apply(&compile(&SyscallFilter::twin()).expect("a filter")).expect("entered");
            let made = kinds.map(|kind| make("device", kind));
            (made, make("pipe", FileType::Fifo))
        };
        let (devices, pipe) = std::thread::scope(|scope| scope.spawn(held).join().expect("it ends"));
        assert_eq!(devices, [Err(rustix::io::Errno::PERM); 2]);
        assert_eq!(pipe, Ok(()), "the control: another kind of file");
    }

    #[test]
    fn an_unknown_call_is_an_error_and_not_a_hole() {
        let denied = DeniedCall {
            call: "mout".to_owned(),
            refusal: Refusal::Eperm,
            when: Vec::new(),
        };
        let error = compile(&SyscallFilter { denied: vec![denied] }).expect_err("refused");
        assert!(error.to_string().contains("no system call mout"), "{error}");
    }
}
