//! PID 1 of containers.
//!
//! The runtime joins each container to a PID namespace whose PID 1 is ours: it
//! reaps orphans, a command may end itself by any signal (the kernel shields
//! PID 1 from its own), and killing it kills everything in the container at once.
//!
//! These processes are copies of poniard, which has many threads and secrets in
//! memory. So only one copy is made, early: the *nursery*, with a single thread,
//! which makes the others on request. It ends when our end of its socket closes,
//! and they end with it.

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::handle::ProcessHandle;

/// Makes processes that are PID 1 of new namespaces.
pub(super) struct Nursery {
    socket: Mutex<UnixStream>,
    handle: ProcessHandle,
}

impl Nursery {
    pub(super) fn start() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let visible = visible_memory();
        match clone(0)? {
            // SAFETY: this is the only thread of a process of its own.
            None => unsafe { nursery(theirs.as_raw_fd(), visible) },
            Some(pid) => Ok(Self {
                socket: Mutex::new(ours),
                handle: ProcessHandle::of_child(pid)?,
            }),
        }
    }

    /// A new PID namespace, as its PID 1. Kill it to end everything inside.
    pub(super) fn init(&self) -> io::Result<ProcessHandle> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        socket.write_all(&[0])?;
        let mut answer = [0; 4];
        socket.read_exact(&mut answer)?;
        match i32::from_ne_bytes(answer) {
            pid @ 1.. => ProcessHandle::of_other(pid),
            errno => Err(io::Error::from_raw_os_error(-errno)),
        }
    }

    /// Ends it. Does not wait.
    pub(super) fn end(&self) {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = socket.shutdown(std::net::Shutdown::Both);
    }
}

impl Drop for Nursery {
    fn drop(&mut self) {
        self.end();
        if self.handle.ended_within(Duration::from_secs(5)) {
            self.handle.reap();
        }
    }
}

/// `fork` without what the C library does around it: its locks may be held by
/// threads that do not exist in the copy.
fn clone(flags: i32) -> io::Result<Option<i32>> {
    let flags = (flags | libc::SIGCHLD) as libc::c_long;
    // SAFETY: a null stack makes the child go on with a copy of ours.
    match unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        pid => Ok(Some(pid as i32)),
    }
}

/// Where the arguments and the environment of this process are in memory, which
/// containers could see as those of their PID 1: [start, end).
fn visible_memory() -> [(usize, usize); 2] {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is in parentheses and may have spaces; see proc(5).
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<usize> = rest
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0);
    [(field(48), field(49)), (field(50), field(51))]
}

/// Runs in the copy: nothing but system calls, as locks of the allocator may be
/// held for ever.
///
/// # Safety
/// To be called right after `clone` in the child, with ranges of its own memory.
unsafe fn nursery(socket: i32, visible: [(usize, usize); 2]) -> ! {
    // SAFETY: plain system calls; the ranges are of this copy and used by nobody.
    unsafe {
        libc::dup2(socket, 0);
        libc::syscall(libc::SYS_close_range, 1, u32::MAX, 0);
        libc::setsid();
        // Containers read about mounts and sockets of their PID 1 in `/proc`: there
        // are none to be seen. A directory of a process in `/proc` has no entries.
        libc::unshare(libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS);
        libc::chroot(c"/proc/self/fdinfo".as_ptr());
        libc::chdir(c"/".as_ptr());
        for (start, end) in visible {
            if start != 0 && start < end {
                std::ptr::write_bytes(start as *mut u8, 0, end - start);
            }
        }
        libc::prctl(libc::PR_SET_NAME, c"init".as_ptr());
        // Children are reaped by the kernel where nobody wants to know their end.
        libc::signal(libc::SIGCHLD, libc::SIG_IGN);
        let mut all = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::sigprocmask(libc::SIG_BLOCK, &all, std::ptr::null_mut());
        let mut request = 0_u8;
        loop {
            match libc::read(0, (&raw mut request).cast(), 1) {
                1 => {}
                -1 if *libc::__errno_location() == libc::EINTR => continue,
                _ => libc::_exit(0),
            }
            let flags = (libc::CLONE_NEWPID | libc::SIGCHLD) as libc::c_long;
            let answer = match libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) {
                0 => init(),
                -1 => -*libc::__errno_location(),
                pid => pid as i32,
            };
            libc::write(0, (&raw const answer).cast(), 4);
        }
    }
}

/// PID 1 of a container: orphans are reaped as `SIGCHLD` is ignored.
///
/// # Safety
/// As for [`nursery`].
unsafe fn init() -> ! {
    // SAFETY: plain system calls.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::close(0);
        loop {
            libc::pause();
        }
    }
}
