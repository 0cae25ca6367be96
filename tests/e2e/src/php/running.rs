//! Images that run as in Lambda.

use axum::Router;
use axum::http::Uri;
use stand_ins::Server;

use super::{craft, slim};

#[test]
fn a_site_answers_beside_postgresql_mysql_and_mariadb() {
    let project = craft();
    let said = project.says(
        "for database in 'POSTGRES --version 15' 'MYSQL --version 9' 'MARIADB --version 10.11'; do
          php-build | with-database $database | smoke --path /,/ueber-uns,/picture.png
          php-build | with-database $database | smoke --path / --contains 'Über uns'
        done
        php-build | with-database POSTGRES | command craft cloud/up | stdout",
    );
    assert!(said.contains("2 migrations applied"), "{said}");
}

#[test]
fn a_site_is_served_as_in_production_with_its_static_files() {
    let project = craft();
    let said = project.says(
        "site=$(php-build | with-database POSTGRES | serve)
        container | from debian:bookworm-slim | with-service-binding site $site | with-exec -- sh -c 'curl -sf http://site:8080/ueber-uns; curl -sf http://site:8080/dist/manifest.json; curl -s -o /dev/null -w %{http_code} http://site:8080/nowhere' | stdout",
    );
    assert!(
        said.contains("<h1>Über uns</h1>") && said.contains("app.js") && said.ends_with("404"),
        "{said}"
    );
}

#[test]
fn a_served_site_keeps_the_redirects_and_rewrites_of_craft_cloud_yaml() {
    let elsewhere =
        |uri: Uri| async move { ([("x-origin", "elsewhere")], format!("this is {uri}")) };
    let server = Server::start(Router::new().fallback(elsewhere)).expect("a server");
    let project = craft();
    let settings = project.read("craft-cloud.yaml");
    let rules = r"
  - { pattern: { hostname: old.example.com }, destination: 'https://example.com/{request.uri}', status: 308 }
  - { pattern: { pathname: '/blog/:path+' }, destination: '/{matches.pathname.groups.path}/{request.url.search}' }
  - { pattern: '/books/:number(\d+)?', destination: '/book-{matches.pathname.groups.number}', status: 307 }
rewrites:
  - { pattern: '/(about|info)', destination: /ueber-uns, headers: { X-Rule: one } }
  - { pattern: '/static/*', destination: '{artifactBaseUrl}/{matches.pathname.groups.0}', headers: { Content-Type: text/rewritten } }
  - { pattern: '/remote/*', destination: 'ELSEWHERE/{request.uri}' }
".replace("ELSEWHERE", &server.url());
    project.write(
        "craft-cloud.yaml",
        settings + rules.trim_start_matches('\n'),
    );
    let asked = [
        ("/start?from=mail", "301 /"),
        ("/starting", "404 "),
        ("/blog/2024/news?page=2", "302 /2024/news/?page=2"),
        ("/books/12", "307 /book-12"),
        ("/books", "307 /book-"),
        ("/books/none", "404 "),
        (
            "-H host:old.example.com /a/b?c=d",
            "308 https://example.com/a/b?c=d",
        ),
        ("/info", "200 "),
        ("/static/manifest.json", "200 "),
        ("/static/nowhere.json", "404 "),
        ("/remote/page?x=1", "200 "),
    ];
    let mut script = String::new();
    for (target, _) in asked {
        let (option, path) = target.rsplit_once(' ').unwrap_or(("", target));
        let write = r"-w '%{http_code} %header{location}\n'";
        script += &["curl -s -o /dev/null", write, option, "'http://site:8080"].join(" ");
        script += &[path, "'\n"].concat();
    }
    script += "curl -si http://site:8080/info; curl -si http://site:8080/static/manifest.json; curl -si http://site:8080/remote/page?x=1";
    project.write("ask.sh", script);
    let said = project.says(
        "site=$(php-build | with-database POSTGRES | serve)
        container | from debian:bookworm-slim | with-service-binding site $site | with-file /ask.sh $(host | file ask.sh) | with-exec -- sh /ask.sh | stdout",
    );
    let answers: Vec<&str> = said.lines().take(asked.len()).collect();
    let expected = asked.map(|(_, answer)| answer);
    assert_eq!(answers, expected, "{said}");
    for words in [
        "x-rule: one",
        "Über uns",
        "content-type: text/rewritten",
        "x-origin: elsewhere",
        "this is /remote/page?x=1",
    ] {
        assert!(said.contains(words), "no `{words}` in:\n{said}");
    }
}

#[test]
fn pictures_are_transformed_by_imagick_when_a_package_needs_it() {
    let project = craft();
    project.edit(
        "composer.lock",
        "\"ext-curl\": \"*\"",
        "\"ext-curl\": \"*\", \"ext-imagick\": \"*\"",
    );
    project.edit(
        "web/index.php",
        "echo Thumbnail::png((int) ($_GET['width'] ?? 80));",
        "$image = new Imagick(dirname(__DIR__) . '/resources/picture.png');
        $image->thumbnailImage(40, 0);
        $image->setImageFormat('jpeg');
        [$width, , $type] = getimagesizefromstring($image->getImageBlob());
        echo image_type_to_mime_type($type), ' ', $width, ' wide';",
    );
    let said = project.says(
        "php-build | settings | extra-images
        php-build | smoke --path /picture.png --contains 'image/jpeg 40 wide'",
    );
    assert!(said.contains("bref/extra-imagick-php-82:3"), "{said}");
}

#[test]
fn an_application_that_writes_outside_tmp_is_told_so() {
    let project = slim();
    project.edit(
        "public/index.php",
        "->get('/write'",
        "->get('/places', function (): string {
        $said = 'as ' . posix_getuid() . ', ';
        foreach (['/var/task', '/var/tmp', '/opt', '/usr/share', '/run/lock', '/dev/shm', '/etc', '/.', '/tmp'] as $place) {
            $written = @file_put_contents(\"$place/file\", 'x');
            $said .= $place . ($written ? ': written' : strrchr(error_get_last()['message'], ':')) . ', ';
        }
        return $said;
    })
    ->get('/log', function (): string {
        return file_put_contents('/var/task/app.log', 'x') ? 'logged' : throw new RuntimeException('no log');
    })
    ->get('/write'",
    );
    let places = [
        "/var/task",
        "/var/tmp",
        "/opt",
        "/usr/share",
        "/run/lock",
        "/dev/shm",
    ];
    let refused = places
        .map(|place| format!("{place}: Read-only file system, "))
        .concat();
    project.says(&format!(
        "php-build | smoke --path /places --contains 'as 993, {refused}/etc: Permission denied, /.: Permission denied, /tmp: written'"
    ));
    project.refuses(
        "php-build | smoke --path /log",
        &[
            "GET /log answered 500",
            "file_put_contents(/var/task/app.log): Failed to open stream: Read-only file system",
            "Lambda's file system is read-only: write below `/tmp`",
        ],
    );
}

#[test]
fn a_page_that_fails_is_shown_with_the_log_of_the_application() {
    let project = craft();
    project.edit(
        "web/index.php",
        "$pages->count($slug);",
        "error_log('about to fail'); throw new LogicException('out of luck');",
    );
    let done = project.refuses(
        "php-build | with-database POSTGRES | smoke --path /picture.png,/",
        &[
            "GET / answered 500, not 200",
            "about to fail",
            "LogicException: out of luck",
            "web/index.php",
            "Correct what the log names; `serve` starts the same image",
        ],
    );
    let stderr = done.stderr();
    assert!(!stderr.contains("GET /picture.png"), "{stderr}");
    // The application's log, and nothing of what runs it here.
    let (_, log) = stderr.rsplit_once("The application's log:").expect("a log");
    for ours in ["php-build", "lambda.php", "invocation", "RuntimeException"] {
        assert!(!log.contains(ours), "`{ours}` in:\n{log}");
    }
}

#[test]
fn a_failing_migration_stops_before_any_request() {
    let project = craft();
    project.write(
        "migrations/m260103_000000_broken.php",
        "<?php return function (PDO $database): void { $database->exec('ALTER TABLE nowhere ADD x INT'); };",
    );
    let done = project.refuses(
        "php-build | with-database POSTGRES | smoke",
        &[
            "the set-up command `php craft cloud/up` failed with code",
            "nowhere",
            "/var/task/migrations/m260103_000000_broken.php",
            "Nothing was requested: correct what it names",
        ],
    );
    assert!(!done.stderr().contains("GET /"), "{}", done.stderr());
}

#[test]
fn events_are_answered_fail_and_time_out_as_in_lambda() {
    let project = craft();
    let event = |job: &str| format!(r#"'{{"Records":[{{"body":"{{\"job\":{job}}}"}}]}}'"#);
    let greet = event(r#"\"greet\",\"name\":\"Ann\""#);
    let unknown = event(r#"\"dance\""#);
    let wait = event(r#"\"wait\",\"seconds\":60"#);
    let said = project.says(&format!(
        "greeted=$(php-build | invoke {greet})
        $greeted | response
        $greeted | log
        failed=$(php-build | invoke {unknown})
        $failed | error-type
        $failed | error-message
        php-build | invoke --timeout 1.5 {wait} | summary
        php-build | invoke --file nowhere.php {greet} | summary
        php-build | invoke --handler CONSOLE '\"help\"' | response"
    ));
    for words in [
        r#"{"batchItemFailures":[]}"#,
        "hello Ann",
        "InvalidArgumentException",
        "no job is called `dance`",
        "Task timed out after 1.50 seconds",
        "nowhere.php` doesn't exist",
        "lists the pages",
    ] {
        assert!(said.contains(words), "no `{words}` in:\n{said}");
    }
}

#[test]
fn a_function_that_does_not_keep_to_the_runtime_api_is_told_so() {
    let project = slim();
    project.write(
        "rude.php",
        r#"<?php
return function (array $event, array $context): array {
    $calls = [
        "GET /invocation/next", "POST /invocation/other/response", "GET /invocation/$context[requestId]/response",
        "POST /nowhere", "POST /init/error",
    ];
    return array_map(function (string $call): int {
        [$method, $path] = explode(' ', $call);
        $options = ['http' => ['method' => $method, 'ignore_errors' => true, 'content' => $method === 'POST' ? '{}' : '']];
        file_get_contents('http://' . getenv('AWS_LAMBDA_RUNTIME_API') . "/2018-06-01/runtime$path", false, stream_context_create($options));
        return (int) explode(' ', $http_response_header[0])[1];
    }, $calls);
};
"#,
    );
    project.write(
        "large.php",
        "<?php return fn (): string => str_repeat('x', 7_000_000);",
    );
    project.write("ends.php", "<?php return function (): void { exit(3); };");
    let said = project.says(
        "rude=$(php-build | invoke --file rude.php '{}')
        $rude | response
        $rude | violations
        php-build | invoke --file large.php '{}' | summary
        php-build | invoke --file ends.php '{}' | summary",
    );
    for words in [
        "[403,400,405,404,403]",
        "the Runtime API has no `/2018-06-01/runtime/nowhere`",
        "`Function.ResponseSizeTooLarge`",
        "`Runtime.ExitError`",
        "exit status 3",
    ] {
        assert!(said.contains(words), "no `{words}` in:\n{said}");
    }
}
