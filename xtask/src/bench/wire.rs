//! A wire to a server: it can be as long as one to another country, and knows how
//! long something was asked over it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use eyre::Result;

/// Passes on what comes to [`Self::address`], until the program ends.
pub struct Wire {
    pub address: SocketAddr,
    busy: Busy,
}

/// When a connection had a request under way: one begins with the first bytes
/// after an answer.
type Busy = Arc<Mutex<Vec<(Instant, Instant)>>>;

/// A request that the server takes on, and works on after its answer.
#[derive(Clone, Copy)]
pub struct Work {
    /// The end of its first line.
    pub request: &'static str,
    pub takes: Duration,
}

/// How long bytes are under way.
#[derive(Clone, Copy)]
pub struct Delay {
    pub there: Duration,
    pub back: Duration,
}

impl Wire {
    /// `host` is an address of this machine that containers reach; the
    /// time of the work counts as one in which something is asked.
    pub fn new(
        host: &str,
        server: SocketAddr,
        round_trip: Duration,
        work: Option<Work>,
    ) -> Result<Self> {
        let listener = TcpListener::bind((host, 0))?;
        let address = listener.local_addr()?;
        let busy = Busy::default();
        let seen = Arc::clone(&busy);
        let delay = Delay {
            there: round_trip / 2,
            back: round_trip / 2,
        };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Who cannot be connected is hung up on.
                let _ = connect(client, server, delay, work, &seen);
            }
        });
        Ok(Self { address, busy })
    }

    /// Intervals in which something was asked since the last time.
    pub fn take(&self) -> Vec<(Instant, Instant)> {
        std::mem::take(&mut *self.busy.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Seconds in which at least one of the intervals was.
pub fn covered(mut intervals: Vec<(Instant, Instant)>) -> f64 {
    intervals.sort();
    let (mut covered, mut until) = (Duration::ZERO, None::<Instant>);
    for (begin, end) in intervals {
        let begin = until.map_or(begin, |until| begin.max(until));
        covered += end.saturating_duration_since(begin);
        until = Some(until.map_or(end, |until| until.max(end)));
    }
    covered.as_secs_f64()
}

fn connect(
    client: TcpStream,
    server: SocketAddr,
    delay: Delay,
    work: Option<Work>,
    busy: &Busy,
) -> Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let place = Arc::new(Mutex::new(None));
    let (to_server, from_client) = channel();
    let (to_client, from_server) = channel();
    let (reader, asked) = (client.try_clone()?, Arc::clone(&place));
    let begun = Arc::clone(busy);
    thread::spawn(move || {
        read(reader, &to_server, |bytes| {
            begin(&begun, &asked);
            if let Some(work) = work.filter(|work| is_first_line(bytes, work.request)) {
                let taken = Instant::now() + delay.there;
                let mut busy = begun.lock().unwrap_or_else(PoisonError::into_inner);
                busy.push((taken, taken + work.takes));
            }
        });
    });
    let writer = server.try_clone()?;
    thread::spawn(move || write(writer, &from_client, delay.there, || ()));
    thread::spawn(move || read(server, &to_client, |_| ()));
    let ended = Arc::clone(busy);
    thread::spawn(move || write(client, &from_server, delay.back, || end(&ended, &place)));
    Ok(())
}

/// Where the interval of the request under way is, and whether it is answered.
type Place = Mutex<Option<(usize, bool)>>;

fn begin(busy: &Busy, place: &Place) {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    if place.is_none_or(|(_, answered)| answered) {
        let mut busy = busy.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        *place = Some((busy.len(), false));
        busy.push((now, now));
    }
}

fn end(busy: &Busy, place: &Place) {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, answered)) = place.as_mut() {
        *answered = true;
        let mut busy = busy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, end)) = busy.get_mut(*at) {
            *end = Instant::now();
        }
    }
}

fn is_first_line(bytes: &[u8], end: &str) -> bool {
    let line = bytes.split(|byte| *byte == b'\r').next();
    line.is_some_and(|line| line.ends_with(end.as_bytes()))
}

fn read(mut from: TcpStream, to: &Sender<(Instant, Vec<u8>)>, comes: impl Fn(&[u8])) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let bytes = buffer.get(..read).unwrap_or_default().to_vec();
        comes(&bytes);
        if to.send((Instant::now(), bytes)).is_err() {
            return;
        }
    }
}

fn write(
    mut to: TcpStream,
    from: &Receiver<(Instant, Vec<u8>)>,
    delay: Duration,
    is_there: impl Fn(),
) {
    for (sent, bytes) in from {
        thread::sleep((sent + delay).saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            break;
        }
        is_there();
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_counts_once() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let intervals = vec![
            (at(5), at(6)),
            (at(0), at(3)),
            (at(1), at(2)),
            (at(2), at(4)),
        ];
        assert!((covered(intervals) - 5.0).abs() < 1e-6);
    }

    #[test]
    fn an_answer_takes_as_long_as_the_wire() -> Result<()> {
        let server = TcpListener::bind("127.0.0.1:0")?;
        let address = server.local_addr()?;
        thread::spawn(move || {
            for mut stream in server.incoming().flatten() {
                let mut byte = [0];
                while let Ok(1) = stream.read(&mut byte) {
                    let _ = stream.write_all(&byte);
                }
            }
        });
        let wire = Wire::new("127.0.0.1", address, Duration::from_millis(40), None)?;
        let mut client = TcpStream::connect(wire.address)?;
        for _ in 0..2 {
            client.write_all(b"x")?;
            client.read_exact(&mut [0])?;
            thread::sleep(Duration::from_millis(20));
        }
        let seconds = covered(wire.take());
        assert!((0.08..0.1).contains(&seconds), "{seconds}");
        Ok(())
    }

    #[test]
    fn work_is_known_by_the_first_line_of_its_request() {
        let end = "/code HTTP/1.1";
        assert!(is_first_line(
            b"PUT /functions/site/code HTTP/1.1\r\nhost: x\r\n",
            end
        ));
        assert!(!is_first_line(
            b"GET /functions/site HTTP/1.1\r\nx: /code HTTP/1.1\r\n",
            end
        ));
        assert!(!is_first_line(b"", end));
    }
}
