//! Upload sessions of static assets: a manifest is registered, its missing files
//! come in buckets, and the last of them is answered with the token that a
//! version is uploaded with.
//!
//! Source: Cloudflare's page "Direct Uploads" (Workers static assets).

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::answer::Refusal;
use super::state::{Asset, State};

/// Files of one version.
pub const MOST_FILES: usize = 100_000;
/// One file.
pub const MOST_BYTES: u64 = 25 * 1024 * 1024;
/// What is asked for in one request, at most: files, and bytes before base64.
const BUCKET_FILES: usize = 100;
const BUCKET_BYTES: u64 = 24 * 1024 * 1024;

pub type Manifest = BTreeMap<String, Entry>;

#[derive(Debug, Clone, Deserialize)]
pub struct Entry {
    pub hash: String,
    pub size: u64,
}

#[derive(Debug, Clone)]
pub struct Session {
    pub worker: String,
    pub manifest: Manifest,
    /// Hashes that are still to come.
    pub missing: BTreeSet<String>,
    pub purpose: Purpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Upload,
    Completion,
}

/// What a client is to do next.
#[derive(Debug)]
pub struct Next {
    pub jwt: Option<String>,
    pub buckets: Vec<Vec<String>>,
}

/// Registers a manifest. With nothing missing, the token completes at once.
pub fn open(state: &mut State, worker: &str, manifest: Manifest) -> Result<Next, Refusal> {
    check(&manifest)?;
    let sizes: BTreeMap<&String, u64> = manifest
        .values()
        .map(|entry| (&entry.hash, entry.size))
        .collect();
    let missing: BTreeSet<String> = sizes
        .keys()
        .filter(|hash| {
            !state
                .contents
                .contains_key(&(worker.to_owned(), (**hash).clone()))
        })
        .map(|hash| (*hash).clone())
        .collect();

    let mut buckets: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for hash in &missing {
        let size = sizes[hash];
        match buckets.last_mut() {
            Some(bucket) if bucket.len() < BUCKET_FILES && bytes + size <= BUCKET_BYTES => {
                bucket.push(hash.clone());
                bytes += size;
            }
            _ => {
                buckets.push(vec![hash.clone()]);
                bytes = size;
            }
        }
    }
    let purpose = if missing.is_empty() {
        Purpose::Completion
    } else {
        Purpose::Upload
    };
    let session = Session {
        worker: worker.to_owned(),
        manifest,
        missing,
        purpose,
    };
    Ok(Next {
        jwt: Some(issue(state, session)),
        buckets,
    })
}

fn check(manifest: &Manifest) -> Result<(), Refusal> {
    if manifest.is_empty() {
        return Err(Refusal::validation("The asset manifest must not be empty."));
    }
    if manifest.len() > MOST_FILES {
        return Err(Refusal::validation(format!(
            "The asset manifest has {} files, the limit is {MOST_FILES}.",
            manifest.len()
        )));
    }
    let mut sizes = BTreeMap::new();
    for (path, entry) in manifest {
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if !path.starts_with('/') {
            return Err(Refusal::validation(format!(
                "Asset path `{path}` must start with `/`."
            )));
        }
        if path
            .split('/')
            .any(|part| part == ".." || part.eq_ignore_ascii_case("%2e%2e"))
        {
            return Err(Refusal::validation(format!(
                "Asset path `{path}` must not have `..`."
            )));
        }
        if entry.hash.len() != 32 || !entry.hash.chars().all(hex) {
            return Err(Refusal::validation(format!(
                "Asset `{path}` must have a hash of 32 hexadecimal characters."
            )));
        }
        if entry.size > MOST_BYTES {
            return Err(Refusal::validation(format!(
                "Asset `{path}` is larger than the limit of 25 MiB."
            )));
        }
        if *sizes.entry(&entry.hash).or_insert(entry.size) != entry.size {
            return Err(Refusal::validation(format!(
                "Asset `{path}` has a hash that another asset has with another size."
            )));
        }
    }
    Ok(())
}

/// A file of a bucket, as it came in its form.
#[derive(Debug)]
pub struct Upload {
    pub hash: String,
    pub content_type: Option<String>,
    pub base64: Bytes,
}

/// Takes the files of a bucket; with the last missing one the token completes.
pub fn take(state: &mut State, jwt: &str, uploads: Vec<Upload>) -> Result<Option<String>, Refusal> {
    let Some(session) = state
        .sessions
        .get(jwt)
        .filter(|session| session.purpose == Purpose::Upload)
    else {
        return Err(Refusal::authentication());
    };
    let session = session.clone();
    let mut accepted = Vec::new();
    for upload in uploads {
        accepted.push(verify(&session, upload)?);
    }
    let mut missing = session.missing.clone();
    for asset in accepted {
        missing.remove(&asset.hash);
        state
            .contents
            .insert((session.worker.clone(), asset.hash.clone()), asset);
    }
    if let Some(open) = state.sessions.get_mut(jwt) {
        open.missing.clone_from(&missing);
    }
    if !missing.is_empty() {
        return Ok(None);
    }
    Ok(Some(issue(
        state,
        Session {
            missing,
            purpose: Purpose::Completion,
            ..session
        },
    )))
}

fn verify(session: &Session, upload: Upload) -> Result<Asset, Refusal> {
    let hash = upload.hash;
    let Some((path, entry)) = session
        .manifest
        .iter()
        .find(|(_, entry)| entry.hash == hash)
    else {
        return Err(Refusal::validation(format!(
            "Asset `{hash}` is not part of the manifest."
        )));
    };
    let contents = STANDARD
        .decode(&upload.base64)
        .map_err(|_| Refusal::validation(format!("Asset `{path}` is not valid base64.")))?;
    if contents.len() as u64 != entry.size {
        return Err(Refusal::validation(format!(
            "Asset `{path}` has {} bytes, the manifest says {}.",
            contents.len(),
            entry.size
        )));
    }
    // Files of one content may have several names: one of them made the hash.
    let named_so = |path: &String| wrangler_hash(path, &upload.base64) == hash;
    if !session
        .manifest
        .iter()
        .any(|(path, entry)| entry.hash == hash && named_so(path))
    {
        return Err(Refusal::validation(format!(
            "Asset `{path}` does not have the hash that the manifest says."
        )));
    }
    Ok(Asset {
        hash,
        content_type: upload
            .content_type
            .filter(|kind| kind != "application/null"),
        contents: contents.into(),
    })
}

/// How Wrangler names contents: BLAKE3 of the base64 text and the file's extension.
fn wrangler_hash(path: &str, base64: &[u8]) -> String {
    let extension = std::path::Path::new(path).extension().unwrap_or_default();
    let mut hasher = blake3::Hasher::new();
    hasher.update(base64);
    hasher.update(extension.as_encoded_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

/// The files that a completion token stands for.
pub fn complete(
    state: &State,
    worker: &str,
    jwt: &str,
) -> Result<BTreeMap<String, Asset>, Refusal> {
    let session = state
        .sessions
        .get(jwt)
        .filter(|session| session.worker == worker)
        .ok_or_else(|| Refusal::validation("The assets token is not valid for this Worker."))?;
    if session.purpose == Purpose::Upload {
        return Err(Refusal::validation(format!(
            "The assets token is no completion token: {} assets were not uploaded.",
            session.missing.len()
        )));
    }
    let content = |entry: &Entry| {
        state
            .contents
            .get(&(worker.to_owned(), entry.hash.clone()))
            .cloned()
    };
    session
        .manifest
        .iter()
        .map(|(path, entry)| {
            content(entry)
                .map(|asset| (path.clone(), asset))
                .ok_or_else(|| Refusal::validation(format!("Asset `{path}` was not uploaded.")))
        })
        .collect()
}

/// A token of its own, one hour long, that only this stand-in can tell.
fn issue(state: &mut State, session: Session) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let expires = chrono::Utc::now().timestamp() + 3600;
    let signature = Uuid::new_v4();
    let jwt = format!(
        "{}.{}.{}",
        part(json!({ "alg": "HS256", "typ": "JWT" })),
        part(json!({ "exp": expires, "script": session.worker })),
        URL_SAFE_NO_PAD.encode(signature.as_bytes()),
    );
    state.sessions.insert(jwt.clone(), session);
    jwt
}
