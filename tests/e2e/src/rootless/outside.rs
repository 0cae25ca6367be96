//! What an ordinary user's containers give away, keep and ask: images in a registry and
//! in files, caches, sessions of their own.

use crate::place::Place;
use crate::prebuilt::Registry;

use super::user::User;

#[test]
fn images_are_published_exported_and_read_back() {
    let user = User::new(Place::new());
    let registry = Registry::start();
    let name = format!("{}/of/user:1", registry.address);
    let told = user.pipeline(&format!(
        "image=$(container | from box | with-exec -- sh -c 'echo of-ann > /file; chown 1000:1000 /file')\n\
         $image | export image.tar\n\
         $image | publish {name}\n\
         container | from {name} | with-exec -- sh -c 'cat /file; stat -c %u:%g /file' | stdout\n\
         container | import $(host | file image.tar) | with-exec -- sh -c 'cat /file; stat -c %u:%g /file' | stdout",
    ));
    let read = "of-ann\n1000:1000\n".repeat(2);
    assert!(told.ends_with(&read), "{told}");
    user.nothing_is_left();
}

/// Asks the engine from within a container.
const ASK: &str = "token=$(printf %s: $DAGGER_SESSION_TOKEN | busybox base64 -w 0)
busybox wget -q -O - --header \"Authorization: Basic $token\" --header 'Content-Type: application/json' \
 --post-data '{\"query\":\"{directory{withNewFile(path:\\\"f\\\",contents:\\\"nested\\\"){file(path:\\\"f\\\"){contents}}}}\"}' \
 http://127.0.0.1:$DAGGER_SESSION_PORT/query";

#[test]
fn caches_are_kept_and_a_command_that_may_asks_the_engine() {
    let user = User::new(Place::new());
    user.place.write("home/ask.sh", ASK);
    let add = "container | from box | with-env-variable N 0 | with-mounted-cache /kept $(cache-volume kept) --owner ann \
        | with-user ann | with-exec -- sh -c 'echo + >> /kept/count; cat /kept/count' | stdout";
    assert_eq!(user.pipeline(add), "+\n");
    assert_eq!(user.pipeline(&add.replace("N 0", "N 1")), "+\n+\n");
    let told = user.pipeline(
        "asks=$(container | from box | with-file /ask.sh $(host | file ask.sh))\n\
         $asks | with-exec --experimental-privileged-nesting -- sh /ask.sh | stdout\n\
         container | from box | with-exec -- sh -c 'echo port ${DAGGER_SESSION_PORT-none}' | stdout",
    );
    let answer = r#"{"data":{"directory":{"withNewFile":{"file":{"contents":"nested"}}}}}"#;
    assert_eq!(told, format!("{answer}port none\n"));
    user.nothing_is_left();
}
