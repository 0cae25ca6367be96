//! Single objects.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::time::Duration;

use poniard_sdk::prelude::*;
use rusty_s3::S3Action;
use rusty_s3::actions::ListObjectsV2;
use ureq::http::{Method, StatusCode};
use url::Url;

use super::http::{Again, Refusal, Sending};
use super::{REQUEST_TTL, Store};

/// An object of a listing.
#[derive(Clone, Debug)]
pub struct Object {
    pub key: String,
    pub bytes: u64,
}

impl Store {
    pub fn put(&self, key: &str, body: &[u8]) -> Result<()> {
        let action = self.bucket.put_object(Some(&self.keys), key);
        self.http.text(&Sending {
            what: &format!("write `{key}`"),
            method: Method::PUT,
            url: &|| action.sign(REQUEST_TTL),
            headers: &[],
            body,
            again: Again::Always,
        })?;
        Ok(())
    }

    pub fn get(&self, key: &str) -> Result<String> {
        let action = self.bucket.get_object(Some(&self.keys), key);
        self.http
            .text(&get(&format!("read `{key}`"), &|| action.sign(REQUEST_TTL)))
    }

    /// Copies an object to `target`; begins again where a connection broke.
    pub fn download(&self, key: &str, bytes: u64, target: &mut impl Write) -> Result<()> {
        let action = self.bucket.get_object(Some(&self.keys), key);
        let what = format!("download `{key}`");
        let url = || action.sign(REQUEST_TTL);
        let mut done = 0;
        let mut without_progress = 0;
        while done < bytes {
            let range = format!("bytes={done}-");
            let headers = [("range", range.as_str())];
            let sending = Sending {
                headers: &headers,
                ..get(&what, &url)
            };
            let (_, body) = self.http.send(&sending)?;
            let mut reader = body.into_with_config().limit(u64::MAX).reader();
            let before = done;
            let ended = copy(&mut reader, target, &mut done)?;
            if done == before {
                without_progress += 1;
            }
            if let (Err(error), true) = (ended, without_progress > 3) {
                bail!("cannot {what}: {error}");
            }
            ensure!(without_progress <= 3, "cannot {what}: it ends too early");
        }
        Ok(())
    }

    /// The size of an object; none when it is not there.
    pub fn size(&self, key: &str) -> Result<Option<u64>> {
        let action = self.bucket.head_object(Some(&self.keys), key);
        let sent = self.http.send(&Sending {
            what: &format!("look at `{key}`"),
            method: Method::HEAD,
            url: &|| action.sign(REQUEST_TTL),
            headers: &[],
            body: &[],
            again: Again::Always,
        });
        match sent {
            Ok((headers, _)) => {
                let length = headers.get("content-length");
                let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
                Ok(Some(
                    length.ok_or_else(|| eyre!("S3 tells no size of `{key}`"))?,
                ))
            }
            Err(error) => match error.downcast_ref::<Refusal>() {
                Some(refusal) if refusal.status == StatusCode::NOT_FOUND => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Also succeeds when it is not there.
    pub fn delete(&self, key: &str) -> Result<()> {
        let action = self.bucket.delete_object(Some(&self.keys), key);
        self.http.text(&Sending {
            method: Method::DELETE,
            ..get(&format!("delete `{key}`"), &|| action.sign(REQUEST_TTL))
        })?;
        Ok(())
    }

    /// Every object whose key begins so, by key.
    pub fn list(&self, prefix: &str) -> Result<BTreeMap<String, Object>> {
        let mut found = BTreeMap::new();
        let mut next: Option<String> = None;
        loop {
            let mut action = self.bucket.list_objects_v2(Some(&self.keys));
            action.with_prefix(prefix);
            if let Some(token) = &next {
                action.with_continuation_token(token.as_str());
            }
            let what = format!("list `{prefix}`");
            let text = self.http.text(&get(&what, &|| action.sign(REQUEST_TTL)))?;
            let page = ListObjectsV2::parse_response(&text)
                .map_err(|error| eyre!("cannot {what}: S3's answer is no list: {error}"))?;
            for object in page.contents {
                let (key, bytes) = (object.key, object.size.unwrap_or_default());
                found.insert(key.clone(), Object { key, bytes });
            }
            match page.next_continuation_token {
                Some(token) if next.as_ref() != Some(&token) => next = Some(token),
                _ => return Ok(found),
            }
        }
    }

    /// An address that anyone can download from for so long.
    pub fn presign(&self, key: &str, ttl: Duration) -> Url {
        self.bucket.get_object(Some(&self.keys), key).sign(ttl)
    }
}

fn get<'a>(what: &'a str, url: &'a dyn Fn() -> Url) -> Sending<'a> {
    Sending {
        what,
        method: Method::GET,
        url,
        headers: &[],
        body: &[],
        again: Again::Always,
    }
}

/// The outer error is the target's, the inner one the source's.
fn copy(source: &mut impl Read, target: &mut impl Write, done: &mut u64) -> Result<io::Result<()>> {
    let mut buffer = vec![0; 1 << 17];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(Ok(())),
            Ok(count) => {
                target
                    .write_all(&buffer[..count])
                    .wrap_err("cannot write the backup")?;
                *done += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(error)),
        }
    }
}
