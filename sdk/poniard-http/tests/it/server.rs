//! A server that answers one connection after the other as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

/// What becomes of one connection.
pub enum Turn {
    /// Status line and headers, then the body.
    Answer(&'static str, String),
    /// Closed without an answer, the request read.
    Close,
    /// Kept open without an answer.
    Silence,
}

pub struct Server {
    pub url: String,
    asked: mpsc::Receiver<String>,
}

impl Server {
    /// Takes these turns, then accepts no more.
    pub fn start(turns: Vec<Turn>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (told, asked) = mpsc::channel();
        thread::spawn(move || {
            let mut open = Vec::new();
            for turn in turns {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = told.send(read(&stream));
                match turn {
                    Turn::Answer(head, body) => {
                        let length = body.len();
                        let _ = write!(
                            stream,
                            "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                        );
                    }
                    Turn::Close => drop(stream),
                    Turn::Silence => open.push(stream),
                }
            }
        });
        Self { url, asked }
    }

    /// Requests so far, heads and bodies.
    pub fn asked(&self) -> Vec<String> {
        self.asked.try_iter().collect()
    }
}

fn read(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        let lower = line.to_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        request += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request + &String::from_utf8(body).unwrap()
}
