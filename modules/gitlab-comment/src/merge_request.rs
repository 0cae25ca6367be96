//! Which merge request: its number within the project, or its instance-wide id.

use std::fmt;

use poniard_http::Error;
use poniard_sdk::prelude::*;
use serde::Deserialize;

use crate::gitlab::Project;

/// As the caller names it.
///
/// A bare number is the one within the project (`$CI_MERGE_REQUEST_IID`) when
/// the project has such a merge request, else the instance-wide one
/// (`$CI_MERGE_REQUEST_ID`). `!7` is only the first, `id:7` only the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    Either(u64),
    Iid(u64),
    Id(u64),
}

#[derive(Clone, Debug, Deserialize)]
pub struct MergeRequest {
    pub id: u64,
    pub iid: u64,
    pub web_url: String,
    pub state: String,
}

impl Number {
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        ensure!(
            !text.is_empty(),
            "the merge request's number is empty: `$CI_MERGE_REQUEST_IID` is only set in pipelines of merge requests (`rules: if: $CI_PIPELINE_SOURCE == \"merge_request_event\"`)"
        );
        let (digits, kind): (_, fn(u64) -> Self) =
            match (text.strip_prefix('!'), text.strip_prefix("id:")) {
                (Some(digits), _) => (digits, Self::Iid),
                (_, Some(digits)) => (digits, Self::Id),
                _ => (text, Self::Either),
            };
        match digits.parse() {
            Ok(number) if number > 0 => Ok(kind(number)),
            _ => bail!("`{text}` is no merge request: pass `$CI_MERGE_REQUEST_IID`"),
        }
    }

    /// The number within the project to try first; none when it must be looked up.
    pub fn iid(self) -> Option<u64> {
        match self {
            Self::Either(number) | Self::Iid(number) => Some(number),
            Self::Id(_) => None,
        }
    }

    /// When the project has no merge request of that number: the one whose
    /// instance-wide id it is.
    pub async fn by_id(self, project: &Project) -> Result<MergeRequest> {
        let found = match self {
            Self::Either(id) | Self::Id(id) => by_id(project, id, First::Newest).await?,
            Self::Iid(_) => None,
        };
        found.ok_or_else(|| {
            let (what, variable) = match self {
                Self::Either(_) => ("number within the project or instance-wide id", "IID"),
                Self::Iid(_) => ("number within the project", "IID"),
                Self::Id(_) => ("instance-wide id", "ID"),
            };
            eyre!(
                "the project has no merge request `{self}` ({what}): pass `$CI_MERGE_REQUEST_{variable}` of the same project"
            )
        })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Either(number) => write!(f, "{number}"),
            Self::Iid(number) => write!(f, "!{number}"),
            Self::Id(number) => write!(f, "id:{number}"),
        }
    }
}

/// The project is there, the merge request is not.
pub fn is_missing(error: &Error) -> bool {
    error.status() == Some(404) && !error.message().contains("Project")
}

/// A merge request that is about to get its first note.
///
/// A bare number may be meant as the instance-wide id of another one. That
/// cannot be told from the number alone, but a merge request that is closed or
/// merged while the other is open is not the one whose pipeline runs.
pub async fn first_note(project: &Project, number: Number, iid: u64) -> Result<MergeRequest> {
    let found: MergeRequest = project
        .get(&format!("/merge_requests/{iid}"))
        .send()
        .await?
        .json()?;
    if let Number::Either(number) = number
        && number == iid
        && found.id != number
        && found.state != "opened"
        && let Some(other) = by_id(project, number, First::Oldest).await?
        && other.state == "opened"
    {
        bail!(
            "`{number}` is ambiguous: !{iid} has this number but is {}, and !{} is open and has it as its instance-wide id: \
             pass `$CI_MERGE_REQUEST_IID`, or `!{iid}` or `id:{number}`",
            found.state,
            other.iid
        );
    }
    Ok(found)
}

/// Where to begin looking for an instance-wide id.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    /// A pipeline's merge request is most likely among them.
    Newest,
    /// One whose id is as small as a number within the project.
    Oldest,
}

/// GitLab's API has no such filter. Ids grow with time, so that one page tells
/// whether the others can have it.
async fn by_id(project: &Project, id: u64, first: First) -> Result<Option<MergeRequest>> {
    let sort = match first {
        First::Newest => "desc",
        First::Oldest => "asc",
    };
    let mut page = Some(1);
    while let Some(number) = page {
        let list = project.get("/merge_requests").query("state", "all");
        let list = list.query("order_by", "created_at").query("sort", sort);
        let (found, next) = project
            .page::<MergeRequest>(list.query("view", "simple"), number)
            .await?;
        let last = found.last().map_or(id, |one| one.id);
        if let Some(found) = found.into_iter().find(|one| one.id == id) {
            return Ok(Some(found));
        }
        page = next.filter(|_| match first {
            First::Newest => last > id,
            First::Oldest => last < id,
        });
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_request_is_named_in_three_ways() {
        assert_eq!(Number::parse(" 7\n").unwrap(), Number::Either(7));
        assert_eq!(Number::parse("!7").unwrap(), Number::Iid(7));
        assert_eq!(Number::parse("id:7").unwrap(), Number::Id(7));
        for bad in ["0", "-1", "x", "!", "id:", "7.0", "$CI_MERGE_REQUEST_IID"] {
            let error = Number::parse(bad).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{bad}` is no merge request")),
                "{error}"
            );
        }
        let error = Number::parse("").unwrap_err().to_string();
        assert!(
            error.contains("only set in pipelines of merge requests"),
            "{error}"
        );
    }
}
