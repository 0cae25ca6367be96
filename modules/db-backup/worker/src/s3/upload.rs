//! A multipart upload: nothing is in the bucket before [`Upload::complete`], and
//! nothing stays of one that is dropped.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>

use std::io::{self, Write};
use std::iter;
use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use jiff::Timestamp;
use md5::{Digest as _, Md5};
use poniard_sdk::eyre::Report;
use poniard_sdk::prelude::*;
use rusty_s3::S3Action;
use rusty_s3::actions::{CompleteMultipartUpload, CreateMultipartUpload};
use rusty_s3::signing::sign;
use ureq::http::{Method, StatusCode};

use super::http::{Again, Sending, element};
use super::{REQUEST_TTL, Store};

/// At the same time.
const UPLOADERS: usize = 2;
const MAX_PARTS: usize = 10_000;
const MIB: usize = 1 << 20;

/// S3 takes at most 10,000 parts, and nobody knows how long a dump will be: the
/// first parts are small, later ones larger. With what is being filled and two on
/// their way that is 24 MiB, at most 96 MiB, and 274 GiB for a backup.
fn part_size(number: usize) -> usize {
    match number {
        ..=1000 => 8 * MIB,
        1001.. => 32 * MIB,
    }
}

pub struct Upload {
    shared: Arc<Shared>,
    parts: Option<SyncSender<(usize, Vec<u8>)>>,
    uploaders: Vec<JoinHandle<()>>,
    buffer: Vec<u8>,
    number: usize,
    completed: bool,
}

struct Shared {
    store: Arc<Store>,
    key: String,
    upload_id: String,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    etags: Vec<Option<String>>,
    failed: Option<Report>,
    bytes: u64,
}

impl Upload {
    pub fn begin(store: Arc<Store>, key: &str) -> Result<Self> {
        let action = store.bucket.create_multipart_upload(Some(&store.keys), key);
        let what = format!("begin the upload of `{key}`");
        let text = store.http.text(&Sending {
            what: &what,
            method: Method::POST,
            url: &|| action.sign(REQUEST_TTL),
            headers: &[],
            body: &[],
            again: Again::Refused,
        })?;
        let answer = CreateMultipartUpload::parse_response(&text)
            .map_err(|error| eyre!("cannot {what}: S3's answer is not known: {error}"))?;
        let shared = Arc::new(Shared {
            key: key.to_owned(),
            upload_id: answer.upload_id().to_owned(),
            progress: Mutex::default(),
            store,
        });
        let (sender, receiver) = sync_channel(0);
        let receiver = Arc::new(Mutex::new(receiver));
        let uploaders = (0..UPLOADERS)
            .map(|_| {
                let (shared, receiver) = (shared.clone(), receiver.clone());
                thread::spawn(move || shared.work(&receiver))
            })
            .collect();
        Ok(Self {
            shared,
            parts: Some(sender),
            uploaders,
            buffer: Vec::with_capacity(part_size(1)),
            number: 1,
            completed: false,
        })
    }

    /// Makes the object of what was written, all of which has been taken by S3.
    pub fn complete(mut self) -> Result<()> {
        if !self.buffer.is_empty() || self.number == 1 {
            self.hand_over()?;
        }
        self.join();
        let etags = {
            let mut progress = self.shared.lock();
            if let Some(error) = progress.failed.take() {
                return Err(error);
            }
            mem::take(&mut progress.etags)
        };
        let etags: Option<Vec<String>> = etags.into_iter().collect();
        let etags = etags.ok_or_else(|| eyre!("a part of the upload is missing"))?;
        self.shared.complete(&etags)?;
        self.completed = true;
        Ok(())
    }

    /// Waits until every part that was handed over is there.
    fn join(&mut self) {
        self.parts = None;
        for uploader in self.uploaders.drain(..) {
            let _ = uploader.join();
        }
    }

    fn hand_over(&mut self) -> io::Result<()> {
        if self.number > MAX_PARTS {
            return Err(io::Error::other(format!(
                "the backup is larger than the {MAX_PARTS} parts that S3 takes"
            )));
        }
        let next = Vec::with_capacity(part_size(self.number + 1));
        let part = mem::replace(&mut self.buffer, next);
        self.shared.lock().etags.push(None);
        let sender = self.parts.as_ref();
        let sent = sender.is_some_and(|sender| sender.send((self.number, part)).is_ok());
        self.number += 1;
        match self.shared.lock().failed.as_ref() {
            Some(error) => Err(io::Error::other(format!("{error:#}"))),
            None if sent => Ok(()),
            None => Err(io::Error::other("the upload has ended")),
        }
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = part_size(self.number) - self.buffer.len();
        let count = room.min(bytes.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        if count == room {
            self.hand_over()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.join();
        if !self.completed
            && let Err(error) = self.shared.abort()
        {
            eprintln!(
                "{error:#}: its parts stay in the bucket, unseen, until a lifecycle rule of the bucket removes them"
            );
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, parts: &Mutex<Receiver<(usize, Vec<u8>)>>) {
        loop {
            let part = parts.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((number, part)) = part else { return };
            if self.lock().failed.is_some() {
                continue;
            }
            let sent = self.send(number, &part);
            let mut progress = self.lock();
            match sent {
                Ok(etag) => {
                    progress.etags[number - 1] = Some(etag);
                    progress.bytes += part.len() as u64;
                }
                Err(error) => {
                    progress.failed.get_or_insert(error);
                }
            }
        }
    }

    fn send(&self, number: usize, part: &[u8]) -> Result<String> {
        let store = &self.store;
        let action = store.bucket.upload_part(
            Some(&store.keys),
            &self.key,
            u16::try_from(number)?,
            &self.upload_id,
        );
        // S3 compares it with what it got.
        let md5 = BASE64.encode(Md5::digest(part));
        let what = format!("upload part {number} of `{}`", self.key);
        let (headers, _) = store.http.send(&Sending {
            what: &what,
            method: Method::PUT,
            url: &|| action.sign(REQUEST_TTL),
            headers: &[("content-md5", &md5)],
            body: part,
            again: Again::Always,
        })?;
        let etag = headers.get("etag").and_then(|value| value.to_str().ok());
        Ok(etag
            .ok_or_else(|| eyre!("cannot {what}: S3 gives no ETag"))?
            .to_owned())
    }

    fn complete(&self, etags: &[String]) -> Result<()> {
        let bytes = self.lock().bytes;
        let asked = self.ask_to_complete(etags);
        // The answer may be lost, or say success too early: what counts is
        // whether the object is there, and whole.
        match (asked, self.store.size(&self.key)?) {
            (_, Some(size)) if size == bytes => Ok(()),
            (Err(error), _) => Err(error),
            (Ok(()), found) => bail!(
                "`{}` should have {bytes} bytes after its upload and has {}",
                self.key,
                found.unwrap_or_default()
            ),
        }
    }

    fn ask_to_complete(&self, etags: &[String]) -> Result<()> {
        let store = &self.store;
        let etags = || etags.iter().map(String::as_str);
        let action = || -> CompleteMultipartUpload<'_, _> {
            let (key, upload_id) = (&self.key, &self.upload_id);
            store
                .bucket
                .complete_multipart_upload(Some(&store.keys), key, upload_id, etags())
        };
        let what = format!("complete the upload of `{}`", self.key);
        let text = store.http.text(&Sending {
            what: &what,
            method: Method::POST,
            url: &|| action().sign(REQUEST_TTL),
            headers: &[("content-type", "application/xml")],
            body: action().body().as_bytes(),
            // Of the same parts, S3 makes the same object.
            again: Again::Always,
        })?;
        // The status is sent before S3 knows.
        if text.contains("<Error>") {
            return Err(store.http.refusal(&what, StatusCode::OK, &text).into());
        }
        Ok(())
    }

    fn abort(&self) -> Result<()> {
        self.store.abort(&self.key, &self.upload_id)
    }
}

impl Store {
    pub fn abort(&self, key: &str, upload_id: &str) -> Result<()> {
        let keys = Some(&self.keys);
        let action = self.bucket.abort_multipart_upload(keys, key, upload_id);
        self.http.text(&Sending {
            what: &format!("abort the upload of `{key}`"),
            method: Method::DELETE,
            url: &|| action.sign(REQUEST_TTL),
            headers: &[],
            body: &[],
            again: Again::Always,
        })?;
        Ok(())
    }

    /// Keys and ids of uploads that were neither completed nor aborted, or the first
    /// thousand of them.
    pub fn unfinished(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        let url = || {
            sign(
                &Timestamp::now(),
                rusty_s3::Method::Get,
                self.bucket.base_url().clone(),
                self.keys.key(),
                self.keys.secret(),
                self.keys.token(),
                self.bucket.region(),
                REQUEST_TTL.as_secs(),
                [("prefix", prefix), ("uploads", "")].into_iter(),
                iter::empty(),
            )
        };
        let text = self.http.text(&Sending {
            what: "list uploads",
            method: Method::GET,
            url: &url,
            headers: &[],
            body: &[],
            again: Again::Always,
        })?;
        let uploads = text.split("<Upload>").skip(1);
        Ok(uploads
            .map(|upload| (element(upload, "Key"), element(upload, "UploadId")))
            .collect())
    }
}
