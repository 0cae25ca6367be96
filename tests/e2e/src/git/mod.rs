//! Git repositories with modules, and how they are reached: a [`Published`]
//! repository on disk, servers of it over HTTP and TLS ([`http`]) and over
//! [`ssh`]. To the program under test all of them are on the host `git.test`;
//! git's own settings lead it to where they really are.

mod backend;
pub mod http;
mod published;
pub mod ssh;

pub use published::{Published, modules};

/// Variables by which git takes one setting after the other.
pub fn settings(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut variables = vec![("GIT_CONFIG_COUNT".to_owned(), settings.len().to_string())];
    for (n, (key, value)) in settings.iter().enumerate() {
        variables.push((format!("GIT_CONFIG_KEY_{n}"), (*key).to_owned()));
        variables.push((format!("GIT_CONFIG_VALUE_{n}"), (*value).to_owned()));
    }
    variables
}
