//! Into a user namespace: a helper that has stayed outside writes the maps of ids,
//! by the programs that may.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::process::{Command, Stdio};

use rustix::process::{WaitOptions, waitpid};
use rustix::thread::UnshareFlags;

use super::{Ids, Kind, RootlessError};

/// Moves this process. The helper is gone afterwards.
pub(super) fn enter(ids: &Ids) -> Result<(), RootlessError> {
    let unmapped = |e: io::Error| RootlessError::Unmapped {
        cause: e.to_string(),
    };
    let (go, ready) = io::pipe().map_err(unmapped)?;
    let (told, tell) = io::pipe().map_err(unmapped)?;
    let process = std::process::id();
    // SAFETY: there is one thread, so the child may go on as usual.
    let helper = match unsafe { libc::fork() } {
        -1 => return Err(unmapped(io::Error::last_os_error())),
        0 => {
            drop((ready, told));
            help(ids, process, go, tell)
        }
        pid => pid,
    };
    drop((go, tell));
    // SAFETY: file descriptors stay shared; only the user namespace changes.
    let entered = unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER) };
    let answer = match &entered {
        Ok(()) => ask(ready, told),
        // The helper ends as nobody asks.
        Err(_) => {
            drop(ready);
            Ok(String::new())
        }
    };
    let _ = waitpid(rustix::process::Pid::from_raw(helper), WaitOptions::empty());
    entered.map_err(|e| RootlessError::Refused { cause: e.into() })?;
    match answer.map_err(unmapped)?.as_str() {
        "" => Ok(()),
        error => Err(RootlessError::Unmapped {
            cause: error.to_owned(),
        }),
    }
}

/// What went wrong, else nothing.
fn ask(mut ready: PipeWriter, mut told: PipeReader) -> io::Result<String> {
    ready.write_all(&[0])?;
    let mut answer = String::new();
    told.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Runs in the helper: waits until there is something to map.
fn help(ids: &Ids, process: u32, mut go: PipeReader, mut tell: PipeWriter) -> ! {
    if go.read_exact(&mut [0]).is_ok() {
        for kind in [Kind::User, Kind::Group] {
            if let Err(error) = write(ids, process, kind) {
                let _ = tell.write_all(error.as_bytes());
                break;
            }
        }
    }
    // SAFETY: no exit handler of this copy of the program may run.
    unsafe { libc::_exit(0) }
}

fn write(ids: &Ids, process: u32, kind: Kind) -> Result<(), String> {
    let program = kind.program();
    let done = Command::new(program)
        .arg(process.to_string())
        .args(ids.map(kind).iter().map(u32::to_string))
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("cannot run `{program}`: {e}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(said.lines().next().map_or_else(
        || format!("`{program}` fails"),
        |line| format!("`{program}` says: {line}"),
    ))
}
