//! Notes on a merge request: found by marker and author, kept single.
//!
//! An update is three requests: who we are, the page with the note, the new
//! text. Notes are read oldest first and up to the first page that has ours.
//!
//! Two jobs that find no note both create one. Each looks again after it has
//! created, and both keep the oldest and delete the others; the job that came
//! later writes its text there.

use std::time::Duration;

use poniard_http::Error;
use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::json;
use serde::Deserialize;

use crate::body::Marker;
use crate::gitlab::Project;
use crate::merge_request::{self, MergeRequest, Number};
use crate::results::{Action, Comment, Mode};

/// <https://docs.gitlab.com/api/notes/>
#[derive(Clone, Debug, Deserialize)]
struct Note {
    id: u64,
    body: String,
    author: Author,
    #[serde(default)]
    system: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct Author {
    id: u64,
}

/// How often a note is sent when nobody knows whether it was taken.
const ATTEMPTS: u32 = 3;

pub async fn post(
    project: &Project,
    number: Number,
    marker: &Marker,
    text: &str,
    mode: Mode,
) -> Result<Comment> {
    if mode == Mode::Append {
        return append(project, number, marker, text).await;
    }
    // A note that is deleted while it is updated is looked for once more.
    for _ in 0..2 {
        let thread = Thread::open(project, number, marker, mode == Mode::Recreate).await?;
        let ours = thread.sticky();
        let Some((first, others)) = ours.split_first() else {
            return match mode {
                Mode::OnlyUpdate => Ok(thread.no_note("there is none to update")),
                Mode::Recreate => thread.recreate(text, &ours).await,
                _ => thread.create(text, mode).await,
            };
        };
        let done = match mode {
            Mode::Recreate => return thread.recreate(text, &ours).await,
            Mode::OnlyCreate => thread.comment(first, Action::Unchanged, &first.body),
            _ => match thread.update(first, text).await? {
                Some((action, body)) => thread.comment(first, action, &body),
                None => continue,
            },
        };
        return thread.tidy(done, others).await;
    }
    bail!("somebody deleted the note while it was updated, twice: run it again")
}

pub async fn delete(project: &Project, number: Number, marker: &Marker) -> Result<Comment> {
    let thread = Thread::open(project, number, marker, true).await?;
    let Some((first, others)) = thread.ours.split_first() else {
        return Ok(thread.no_note("there is none to delete"));
    };
    thread.remove(first).await?;
    let done = thread.comment(first, Action::Deleted, &first.body);
    thread.tidy(done, others).await
}

async fn append(project: &Project, number: Number, marker: &Marker, text: &str) -> Result<Comment> {
    let iid = match number.iid() {
        Some(iid) => iid,
        None => number.by_id(project).await?.iid,
    };
    let found = match merge_request::first_note(project, number, iid).await {
        Ok(found) => found,
        Err(error) if error.downcast_ref().is_some_and(merge_request::is_missing) => {
            number.by_id(project).await?
        }
        Err(error) => return Err(error),
    };
    let thread = Thread::new(project, number, marker, found.iid);
    let body = marker.appended_body(&found.web_url, text);
    let note = thread.send(&body, 0).await?;
    Ok(thread.comment(&note, Action::Created, &body))
}

/// The notes of one merge request, as far as they are ours.
struct Thread<'a> {
    project: &'a Project,
    number: Number,
    marker: &'a Marker,
    iid: u64,
    /// The token's user; none until asked for.
    me: Option<u64>,
    /// With our marker and written by us, oldest first.
    ours: Vec<Note>,
}

impl<'a> Thread<'a> {
    fn new(project: &'a Project, number: Number, marker: &'a Marker, iid: u64) -> Self {
        Self {
            project,
            number,
            marker,
            iid,
            me: None,
            ours: Vec::new(),
        }
    }

    /// Reads up to the first page with a sticky note of ours, or all of them.
    async fn open(
        project: &'a Project,
        number: Number,
        marker: &'a Marker,
        whole: bool,
    ) -> Result<Self> {
        let iid = match number.iid() {
            Some(iid) => iid,
            None => number.by_id(project).await?.iid,
        };
        let mut thread = Self::new(project, number, marker, iid);
        let (me, mut page) = tokio::join!(project.user(), thread.page("asc", 1));
        let me = me?;
        thread.me = Some(me);
        if page.as_ref().is_err_and(merge_request::is_missing) {
            thread.iid = number.by_id(project).await?.iid;
            page = thread.page("asc", 1).await;
        }
        let (mut notes, mut next) = page?;
        loop {
            let marked = thread.marked(notes, me);
            thread.ours.extend(marked);
            match next {
                Some(page) if whole || thread.sticky().is_empty() => {
                    (notes, next) = thread.page("asc", page).await?;
                }
                _ => break,
            }
        }
        thread.ours.sort_by_key(|note| note.id);
        Ok(thread)
    }

    fn sticky(&self) -> Vec<Note> {
        let ours = self.ours.iter();
        ours.filter(|note| !self.is_appended(note))
            .cloned()
            .collect()
    }

    /// The first note: writes it, then sees to it that it is the only one.
    async fn create(&self, text: &str, mode: Mode) -> Result<Comment> {
        let (found, body) = self.first_note(text).await?;
        let note = self.send(&body, 0).await?;
        let all = self.newest_sticky().await.wrap_err_with(|| {
            let url = address(&found.web_url, note.id);
            format!("the note is written ({url}), but it may be there twice")
        })?;
        let (first, others) = match all.split_first() {
            Some((first, others)) if first.id < note.id => (first, others),
            _ => {
                let others: Vec<_> = all.into_iter().filter(|one| one.id != note.id).collect();
                let done = self.comment(&note, Action::Created, &body);
                return self.tidy(done, &others).await;
            }
        };
        // Another job was faster: its note stays, with our text.
        let done = match mode {
            Mode::OnlyCreate => self.comment(first, Action::Unchanged, &first.body),
            _ => match self.update(first, text).await? {
                Some((_, body)) => self.comment(first, Action::Updated, &body),
                None => return Ok(self.comment(&note, Action::Created, &body)),
            },
        };
        self.tidy(done, others).await
    }

    /// Writes a new note before the old ones are deleted, so that a failure in
    /// between leaves one too many rather than none. Of several jobs the newest
    /// note stays.
    async fn recreate(&self, text: &str, old: &[Note]) -> Result<Comment> {
        let newest = old.last().map_or(0, |note| note.id);
        let (found, body) = self.first_note(text).await?;
        let note = self.send(&body, newest).await?;
        let mut all = self.newest_sticky().await.wrap_err_with(|| {
            let url = address(&found.web_url, note.id);
            format!("the note is written ({url}), but the old one is still there")
        })?;
        all.extend(old.iter().cloned());
        all.push(note);
        all.sort_by_key(|note| note.id);
        all.dedup_by_key(|note| note.id);
        let Some((last, others)) = all.split_last() else {
            bail!("the new note is gone");
        };
        let done = self.comment(last, Action::Created, &last.body);
        self.tidy(done, others).await
    }

    async fn first_note(&self, text: &str) -> Result<(MergeRequest, String)> {
        let found = merge_request::first_note(self.project, self.number, self.iid).await?;
        let body = self.marker.body(&found.web_url, text);
        Ok((found, body))
    }

    /// None when the note is gone.
    async fn update(&self, note: &Note, text: &str) -> Result<Option<(Action, String)>> {
        let body = match self.address_in(note) {
            Some(url) => self.marker.body(url, text),
            None => self.first_note(text).await?.1,
        };
        if note.body.trim_end() == body {
            return Ok(Some((Action::Unchanged, body)));
        }
        let request = self.project.put(&self.path(note.id));
        let answer = request.json(&json!({ "body": body })).accept(404);
        let gone = answer.send().await?.status() == 404;
        Ok((!gone).then_some((Action::Updated, body)))
    }

    /// Creates a note. When nobody knows whether one was taken, it is looked for
    /// among the newest before it is sent again.
    async fn send(&self, body: &str, after: u64) -> Result<Note> {
        let mut pause = Duration::from_millis(500);
        for attempt in 1.. {
            let path = format!("/merge_requests/{}/notes", self.iid);
            let request = self.project.post(&path).json(&json!({ "body": body }));
            let error = match request.send().await {
                Ok(answer) => return Ok(answer.json()?),
                Err(error) => error,
            };
            if !error.maybe_taken() {
                return Err(error.into());
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            let newest = self.newest().await;
            let taken = newest.map(|notes| {
                let mut notes = notes.into_iter();
                notes.find(|note| note.id > after && note.body.trim_end() == body)
            });
            match taken {
                Ok(Some(note)) => return Ok(note),
                Ok(None) if attempt < ATTEMPTS => {}
                Ok(None) => return Err(eyre!(error).wrap_err("the note is not written")),
                Err(_) => {
                    return Err(eyre!(error).wrap_err("nobody knows whether the note is written"));
                }
            }
        }
        bail!("the note is not written")
    }

    async fn remove(&self, note: &Note) -> Result<(), Error> {
        let request = self.project.delete(&self.path(note.id));
        request.accept(404).send().await.map(drop)
    }

    /// Deletes what is left besides a note that is as it should be.
    async fn tidy(&self, mut done: Comment, others: &[Note]) -> Result<Comment> {
        for note in others {
            self.remove(note).await.wrap_err_with(|| {
                let (id, summary) = (note.id, &done.summary);
                format!("{summary} Another note with this marker, {id}, could not be deleted")
            })?;
        }
        match others.len() {
            0 => {}
            1 => done.summary += " Another one with this marker is deleted.",
            count => done.summary += &format!(" {count} others with this marker are deleted."),
        }
        Ok(done)
    }

    /// Our newest notes: one page, since it is asked for right after writing.
    async fn newest(&self) -> Result<Vec<Note>> {
        let me = match self.me {
            Some(me) => me,
            None => self.project.user().await?,
        };
        let (notes, _) = self.page("desc", 1).await?;
        let mut ours = self.marked(notes, me);
        ours.sort_by_key(|note| note.id);
        Ok(ours)
    }

    async fn newest_sticky(&self) -> Result<Vec<Note>> {
        let mut notes = self.newest().await?;
        notes.retain(|note| !self.is_appended(note));
        Ok(notes)
    }

    async fn page(&self, sort: &str, page: usize) -> Result<(Vec<Note>, Option<usize>), Error> {
        let list = self
            .project
            .get(&format!("/merge_requests/{}/notes", self.iid));
        let list = list.query("order_by", "created_at").query("sort", sort);
        self.project.page(list, page).await
    }

    fn marked(&self, mut notes: Vec<Note>, me: u64) -> Vec<Note> {
        notes.retain(|note| {
            !note.system && note.author.id == me && self.marker.of(&note.body).is_some()
        });
        notes
    }

    fn is_appended(&self, note: &Note) -> bool {
        self.marker
            .of(&note.body)
            .is_some_and(|marked| marked.appended)
    }

    /// The merge request's address, as the note has it; not when the note was
    /// copied from another one.
    fn address_in<'n>(&self, note: &'n Note) -> Option<&'n str> {
        let url = self.marker.of(&note.body)?.url;
        let end = format!("/merge_requests/{}", self.iid);
        (url.starts_with("http") && url.ends_with(&end)).then_some(url)
    }

    fn path(&self, note: u64) -> String {
        format!("/merge_requests/{}/notes/{note}", self.iid)
    }

    fn comment(&self, note: &Note, action: Action, body: &str) -> Comment {
        let iid = self.iid;
        let marked = self.marker.of(body);
        let url = marked.map_or_else(String::new, |marked| address(marked.url, note.id));
        let done = match action {
            Action::Created => "created",
            Action::Updated => "updated",
            Action::Unchanged => "unchanged",
            Action::Deleted => "deleted",
        };
        let link = match action {
            Action::Deleted => format!("Note on !{iid}"),
            _ => format!("[Note on !{iid}]({url})"),
        };
        Comment {
            note_id: note.id.to_string(),
            url,
            action,
            merge_request_iid: iid.to_string(),
            body: body.to_owned(),
            summary: format!("{link}{} {done}.", self.by_which_number()),
        }
    }

    fn no_note(&self, why: &str) -> Comment {
        let (iid, marker) = (self.iid, self.marker.name());
        let which = self.by_which_number();
        Comment {
            note_id: String::new(),
            url: String::new(),
            action: Action::Unchanged,
            merge_request_iid: iid.to_string(),
            body: String::new(),
            summary: format!("No note with the marker `{marker}` on !{iid}{which}: {why}."),
        }
    }

    fn by_which_number(&self) -> String {
        match self.number {
            Number::Either(id) | Number::Id(id) if id != self.iid => {
                format!(" (`{id}` is its instance-wide id)")
            }
            _ => String::new(),
        }
    }
}

fn address(merge_request: &str, note: u64) -> String {
    format!("{merge_request}#note_{note}")
}
