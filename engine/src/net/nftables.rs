//! Messages to the kernel's packet filter: the few that rules for egress need.
//!
//! Their form is that of `linux/netfilter/nf_tables.h`, which `nft` speaks too. A
//! process for it would take longer to start than the kernel takes for the rules.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags,
    SocketType, netlink, recv, send, sendmsg, socket_with, socketpair,
};

/// A connection to the packet filter of the network namespace where it was opened.
/// Tables that it owns go when it closes.
pub(super) struct Filter(OwnedFd);

/// What is done to the packet filter: all of it or nothing.
pub(super) struct Batch {
    table: String,
    bytes: Vec<u8>,
}

/// Part of a rule. A rule does what its last expression says to packets for which
/// the others hold.
pub(super) enum Expression<'a> {
    From(Interface<'a>),
    To(Interface<'a>),
    NotTo(Interface<'a>),
    /// What the address of the sender begins with.
    Source(&'a [u8]),
    Drop,
    Masquerade,
}

pub(super) enum Interface<'a> {
    Named(&'a str),
    NamedLike(&'a str),
}

/// Where the kernel asks a chain, and in which order.
pub(super) struct Hook {
    pub(super) kind: &'static str,
    pub(super) number: u32,
    pub(super) priority: u32,
}

pub(super) const FORWARD: Hook = Hook {
    kind: "filter",
    number: libc::NF_INET_FORWARD as u32,
    priority: 0,
};
pub(super) const POSTROUTING: Hook = Hook {
    kind: "nat",
    number: libc::NF_INET_POST_ROUTING as u32,
    priority: 100,
};

/// Flag of a table: it goes with the socket that has made it.
pub(super) const OWNED: u32 = 2;

const REQUEST: u16 = libc::NLM_F_REQUEST as u16;
const CREATE: u16 = REQUEST | libc::NLM_F_CREATE as u16;
const APPEND: u16 = CREATE | libc::NLM_F_APPEND as u16;
const ACK: u16 = libc::NLM_F_ACK as u16;

impl Filter {
    /// Of the calling thread's network namespace.
    pub(super) fn open() -> io::Result<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(netlink::NETFILTER),
        )?;
        Ok(Self(socket))
    }

    /// The kernel does it before it returns from taking it.
    pub(super) fn run(&self, batch: Batch) -> io::Result<()> {
        let Self(socket) = self;
        send(socket, &batch.finished(), SendFlags::empty())?;
        let mut answers = 0;
        let mut buffer = [0; 8192];
        loop {
            let length = match recv(socket, &mut buffer[..], RecvFlags::DONTWAIT) {
                Ok((_, length)) => length,
                Err(rustix::io::Errno::AGAIN) if answers > 0 => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            answers += 1;
            // A header of 16 bytes, and in an answer what went wrong, negated.
            let error = buffer[..length]
                .get(16..20)
                .and_then(|at| at.try_into().ok());
            match error.map(i32::from_ne_bytes) {
                Some(0) => {}
                Some(error) => return Err(io::Error::from_raw_os_error(-error)),
                None => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    /// Lets the kernel close it in its own time. Whoever closes a connection waits for
    /// what the kernel has to do after changes, until no processor looks at a packet any
    /// more: longer than for all else at the end of a run. So it goes where nobody can
    /// reach it, on its way to a socket that is on its way to itself, and the kernel
    /// finds it there (unix(7)). Not for one that still owns a table.
    pub(super) fn leave(&self) {
        let Ok((from, to)) = socketpair(
            AddressFamily::UNIX,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            None,
        ) else {
            return;
        };
        let sockets = [to.as_fd(), self.0.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut with = SendAncillaryBuffer::new(&mut space);
        with.push(SendAncillaryMessage::ScmRights(&sockets));
        let _ = sendmsg(from, &[IoSlice::new(&[0])], &mut with, SendFlags::empty());
    }
}

impl Batch {
    /// About one table, of IPv4.
    pub(super) fn about(table: &str) -> Self {
        let mut batch = Self {
            table: table.to_owned(),
            bytes: Vec::new(),
        };
        batch.limit(libc::NFNL_MSG_BATCH_BEGIN as u16);
        batch
    }

    /// Makes the table, unless there is one.
    pub(super) fn table(mut self, flags: u32) -> Self {
        self.message(libc::NFT_MSG_NEWTABLE, CREATE, |table, name| {
            table.text(1, name);
            table.number(2, flags);
        });
        self
    }

    pub(super) fn delete(mut self) -> Self {
        self.message(libc::NFT_MSG_DELTABLE, REQUEST | ACK, |table, name| {
            table.text(1, name);
        });
        self
    }

    pub(super) fn chain(mut self, name: &str, hook: &Hook) -> Self {
        self.message(libc::NFT_MSG_NEWCHAIN, CREATE, |chain, table| {
            chain.text(1, table);
            chain.text(3, name);
            chain.nested(4, |place| {
                place.number(1, hook.number);
                place.number(2, hook.priority);
            });
            chain.text(7, hook.kind);
        });
        self
    }

    pub(super) fn rule(mut self, chain: &str, expressions: &[Expression<'_>]) -> Self {
        self.message(libc::NFT_MSG_NEWRULE, APPEND | ACK, |rule, table| {
            rule.text(1, table);
            rule.text(2, chain);
            rule.nested(4, |rule| {
                for expression in expressions {
                    expression.write(rule);
                }
            });
        });
        self
    }

    fn message(&mut self, kind: i32, flags: u16, fill: impl FnOnce(&mut Attributes<'_>, &str)) {
        let kind = (libc::NFNL_SUBSYS_NFTABLES << 8 | kind) as u16;
        let start = self.header(kind, flags, libc::AF_INET as u8, 0);
        fill(&mut Attributes(&mut self.bytes), &self.table);
        self.measured(start);
    }

    /// Where the batch begins or ends.
    fn limit(&mut self, kind: u16) {
        let subsystem = libc::NFNL_SUBSYS_NFTABLES as u16;
        let start = self.header(kind, REQUEST, libc::AF_UNSPEC as u8, subsystem);
        self.measured(start);
    }

    /// `nlmsghdr` and `nfgenmsg`; gives where it begins.
    fn header(&mut self, kind: u16, flags: u16, family: u8, resource: u16) -> usize {
        let start = self.bytes.len();
        self.bytes.extend([0; 4]);
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(flags.to_ne_bytes());
        // Sequence and port: answers come in order, and to this socket.
        self.bytes.extend([0; 8]);
        self.bytes.extend([family, libc::NFNETLINK_V0 as u8]);
        self.bytes.extend(resource.to_be_bytes());
        start
    }

    /// Writes into the header how long the message is.
    fn measured(&mut self, start: usize) {
        let length = (self.bytes.len() - start) as u32;
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
    }

    fn finished(mut self) -> Vec<u8> {
        self.limit(libc::NFNL_MSG_BATCH_END as u16);
        self.bytes
    }
}

/// All go through this register.
const REGISTER: u32 = 1;

impl Expression<'_> {
    fn write(&self, rule: &mut Attributes<'_>) {
        const EQUAL: u32 = 0;
        const DIFFERENT: u32 = 1;
        const FROM: u32 = 6;
        const TO: u32 = 7;
        match self {
            Self::From(interface) => interface.write(rule, FROM, EQUAL),
            Self::To(interface) => interface.write(rule, TO, EQUAL),
            Self::NotTo(interface) => interface.write(rule, TO, DIFFERENT),
            Self::Source(prefix) => {
                element(rule, "payload", |payload| {
                    payload.number(1, REGISTER);
                    // Of the IP header, where the sender's address is.
                    payload.number(2, 1);
                    payload.number(3, 12);
                    payload.number(4, prefix.len() as u32);
                });
                compare(rule, EQUAL, prefix);
            }
            Self::Drop => element(rule, "immediate", |verdict| {
                verdict.number(1, 0);
                verdict.nested(2, |data| data.nested(2, |verdict| verdict.number(1, 0)));
            }),
            Self::Masquerade => element(rule, "masq", |_| {}),
        }
    }
}

impl Interface<'_> {
    fn write(&self, rule: &mut Attributes<'_>, which: u32, how: u32) {
        element(rule, "meta", |meta| {
            meta.number(2, which);
            meta.number(1, REGISTER);
        });
        let mut name = [0; libc::IF_NAMESIZE];
        let (text, compared) = match self {
            Self::Named(text) => (text, name.len()),
            Self::NamedLike(text) => (text, text.len()),
        };
        name[..text.len()].copy_from_slice(text.as_bytes());
        compare(rule, how, &name[..compared]);
    }
}

fn compare(rule: &mut Attributes<'_>, how: u32, with: &[u8]) {
    element(rule, "cmp", |compare| {
        compare.number(1, REGISTER);
        compare.number(2, how);
        compare.nested(3, |data| data.bytes(1, with));
    });
}

/// An expression of a rule.
fn element(rule: &mut Attributes<'_>, name: &str, fill: impl FnOnce(&mut Attributes<'_>)) {
    rule.nested(1, |element| {
        element.text(1, name);
        element.nested(2, fill);
    });
}

/// What a message says: attributes, each with its length and kind.
struct Attributes<'a>(&'a mut Vec<u8>);

impl Attributes<'_> {
    fn number(&mut self, kind: u16, number: u32) {
        self.bytes(kind, &number.to_be_bytes());
    }

    fn text(&mut self, kind: u16, text: &str) {
        self.bytes(kind, &[text.as_bytes(), &[0]].concat());
    }

    fn bytes(&mut self, kind: u16, bytes: &[u8]) {
        self.attribute(kind, |message| message.extend(bytes));
    }

    fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Attributes<'_>)) {
        const NESTED: u16 = 1 << 15;
        self.attribute(kind | NESTED, |message| fill(&mut Attributes(message)));
    }

    fn attribute(&mut self, kind: u16, fill: impl FnOnce(&mut Vec<u8>)) {
        let Self(message) = self;
        let start = message.len();
        message.extend([0; 2]);
        message.extend(kind.to_ne_bytes());
        fill(message);
        let length = (message.len() - start) as u16;
        message[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        message.resize(message.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Whether there is this socket, by the number of its file: the last field.
    fn is_open(number: u64) -> bool {
        let sockets = std::fs::read_to_string("/proc/net/netlink").unwrap();
        let number = number.to_string();
        sockets
            .lines()
            .any(|line| line.split_whitespace().next_back() == Some(&number))
    }

    #[test]
    fn a_connection_that_was_left_is_closed_by_the_kernel() {
        let filter = Filter::open().unwrap();
        let table = format!("left-{}", std::process::id());
        let batch = Batch::about(&table).table(OWNED);
        filter
            .run(batch.chain("leave", &POSTROUTING).delete())
            .unwrap();
        let number = rustix::fs::fstat(&filter.0).unwrap().st_ino;
        assert!(is_open(number));
        filter.leave();
        drop(filter);
        let end = Instant::now() + Duration::from_secs(10);
        while is_open(number) {
            assert!(Instant::now() < end, "the socket is still there");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn of_a_refused_batch_nothing_is_done() {
        let filter = Filter::open().unwrap();
        let table = format!("refused-{}", std::process::id());
        let batch = Batch::about(&table).table(0);
        let error = filter.run(batch.rule("missing", &[Expression::Drop]));
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::NotFound);
        let error = filter.run(Batch::about(&table).delete()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
