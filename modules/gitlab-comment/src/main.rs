poniard_sdk::main!(gitlab_comment::GitlabComment);
