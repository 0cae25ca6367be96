//! `gitlab-comment` on a GitLab that is strict and that fails; a test works in a [`lab`].

mod faults;
mod lab;
mod merge_requests;
mod notes;
mod states;
mod tokens;
