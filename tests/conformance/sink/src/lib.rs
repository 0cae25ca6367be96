//! One of every kind of argument and result, for the conformance cases.

mod person;

use poniard_sdk::api::ContainerAsServiceOptsBuilder;
use poniard_sdk::prelude::*;

pub use person::Person;

poniard_sdk::dependencies!();

const DEBIAN: &str = "debian:bookworm-slim";

/// Answers every request with `$BODY`; Perl is part of every Debian.
const SERVER: &str = r#"my $s=IO::Socket::INET->new(LocalPort=>8080,Listen=>5,ReuseAddr=>1) or die $!; while(my $c=$s->accept){ while(<$c>){last if /^\r?$/} print $c "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n$ENV{BODY}"; close $c }"#;

#[enumeration]
pub enum Mood {
    Happy,
    Sad,
    Calm,
}

/// Exercises every kind of argument and result.
#[object]
pub struct Sink {
    /// The word used to greet
    pub greeting: String,
    /// An optional tag
    pub tag: Option<String>,
    counter: i64,
}

#[functions]
impl Sink {
    pub fn new(
        /// The word used to greet
        #[arg(default = "hello")]
        greeting: String,
        /// An optional tag
        tag: Option<String>,
        /// Where the counter starts
        #[arg(default = 0)]
        counter: i64,
    ) -> Self {
        Self {
            greeting,
            tag,
            counter,
        }
    }

    /// Greet somebody
    pub fn greet(
        &self,
        /// Whom to greet
        #[arg(default = "world")]
        name: String,
    ) -> String {
        format!("{}, {name}!", self.greeting)
    }

    /// A copy with another greeting
    pub fn with_greeting(self, word: String) -> Self {
        Self {
            greeting: word,
            ..self
        }
    }

    /// A copy with a higher counter
    pub fn increment(mut self, #[arg(default = 1)] by: i64) -> Self {
        self.counter += by;
        self
    }

    /// The value of the counter
    pub fn total(&self) -> i64 {
        self.counter
    }

    /// Upper-case a text
    pub fn shout(&self, text: String) -> String {
        text.to_uppercase()
    }

    /// Add two numbers
    pub fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    /// Negate a truth value
    pub fn flip(&self, flag: bool) -> bool {
        !flag
    }

    /// Show every argument as it was received
    pub fn describe(
        &self,
        /// A required string
        name: String,
        /// How many
        #[arg(default = 1)]
        count: i64,
        /// A fraction
        #[arg(default = 0.5)]
        ratio: f64,
        /// Whether to be loud
        #[arg(default = false)]
        loud: bool,
        /// Nothing by default
        note: Option<String>,
    ) -> String {
        let note = note.as_deref().unwrap_or("(none)");
        format!("name={name} count={count} ratio={ratio} loud={loud} note={note}")
    }

    /// Join words
    pub fn join_words(&self, words: Vec<String>, #[arg(default = " ")] sep: String) -> String {
        words.join(&sep)
    }

    /// Join words that have a default
    pub fn default_words(&self, #[arg(default = ["a", "b"])] words: Vec<String>) -> String {
        words.join("+")
    }

    /// Split a text at blanks
    pub fn split_words(&self, text: String) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    /// Add up numbers
    pub fn sum(&self, numbers: Vec<i64>) -> i64 {
        numbers.iter().sum()
    }

    /// The numbers from one to three
    pub fn numbers(&self) -> Vec<i64> {
        vec![1, 2, 3]
    }

    /// How many values are true
    pub fn count_true(&self, values: Vec<bool>) -> usize {
        values.into_iter().filter(|value| *value).count()
    }

    /// Say how one feels
    pub fn feel(
        &self,
        /// The mood
        #[arg(default = Mood::Happy)]
        mood: Mood,
    ) -> String {
        format!("feeling {}", mood.name())
    }

    /// The opposite mood
    pub fn opposite(&self, mood: Mood) -> Mood {
        match mood {
            Mood::Happy => Mood::Sad,
            Mood::Sad => Mood::Happy,
            Mood::Calm => Mood::Calm,
        }
    }

    /// A single person
    pub fn person(&self, name: String, #[arg(default = 30)] age: i64) -> Person {
        Person { name, age }
    }

    /// Three persons
    pub fn people(&self) -> Vec<Person> {
        [("ann", 31), ("bob", 42), ("cy", 53)]
            .map(|(name, age)| Person {
                name: name.into(),
                age,
            })
            .into()
    }

    /// Describe a person given as an object
    pub fn meet(&self, who: Person) -> String {
        format!("{}, {}!", self.greeting, who.name)
    }

    /// List the entries of a directory
    pub async fn list_dir(&self, dir: Directory) -> Result<Vec<String>> {
        Ok(dir.entries().await?)
    }

    /// List every file of a directory, filtered
    pub async fn glob_dir(
        &self,
        #[arg(ignore = ["**/*.log"])] dir: Directory,
        #[arg(default = "**")] pattern: String,
    ) -> Result<Vec<String>> {
        Ok(dir.glob(pattern).await?)
    }

    /// List the module's own fixtures, without logs
    pub async fn own_files(
        &self,
        #[arg(default_path = "./fixtures", ignore = ["**/*.log"])] dir: Directory,
    ) -> Result<Vec<String>> {
        Ok(dir.glob("**").await?)
    }

    /// Count the entries of an optional directory, -1 without one
    pub async fn count_entries(&self, dir: Option<Directory>) -> Result<i64> {
        match dir {
            Some(dir) => Ok(dir.entries().await?.len().try_into()?),
            None => Ok(-1),
        }
    }

    /// Make a directory with one file
    pub fn make_dir(
        &self,
        #[arg(default = "made.txt")] name: String,
        #[arg(default = "made")] contents: String,
    ) -> Directory {
        dag().directory().with_new_file(name, contents)
    }

    /// Make a file
    pub fn make_file(&self, #[arg(default = "made")] contents: String) -> File {
        dag()
            .directory()
            .with_new_file("made.txt", contents)
            .file("made.txt")
    }

    /// Read a file
    pub async fn read_file(&self, file: File) -> Result<String> {
        Ok(file.contents().await?)
    }

    /// The file name and the size of a file
    pub async fn file_info(&self, file: File) -> Result<String> {
        Ok(format!("{} {}", file.name().await?, file.size().await?))
    }

    /// The length of a secret
    pub async fn secret_length(&self, secret: Secret) -> Result<usize> {
        Ok(secret.plaintext().await?.chars().count())
    }

    /// Print a secret inside a container
    pub async fn leak(&self, secret: Secret) -> Result<String> {
        let shell = self.base().with_secret_variable("TOKEN", secret);
        Ok(shell
            .with_exec(vec!["sh", "-c", "echo token=$TOKEN"])
            .stdout()
            .await?)
    }

    /// A container with a file in it
    pub fn base(&self) -> Container {
        debian()
            .with_new_file("/srv/base.txt", "base\n")
            .with_workdir("/srv")
    }

    /// Run a command in a container
    pub async fn run_in(
        &self,
        ctr: Container,
        #[arg(default = ["cat", "/etc/hostname-of-sink"])] args: Vec<String>,
    ) -> Result<String> {
        let ctr = ctr.with_new_file("/etc/hostname-of-sink", "sink\n");
        Ok(ctr.with_exec(args).stdout().await?)
    }

    /// An HTTP server that answers every request with a body
    pub fn server(&self, #[arg(default = "served")] body: String) -> Result<Service> {
        let server = ContainerAsServiceOptsBuilder::default()
            .args(vec!["perl", "-MIO::Socket::INET", "-e", SERVER])
            .build()?;
        Ok(debian()
            .with_env_variable("BODY", body)
            .with_exposed_port(8080)
            .as_service_opts(server))
    }

    /// Fetch the front page of a service
    pub async fn fetch(&self, svc: Service) -> Result<String> {
        let client = debian().with_service_binding("web", svc);
        let page = client.with_exec(vec!["curl", "-fsS", "http://web:8080/"]);
        Ok(page.stdout().await?)
    }

    /// Do nothing
    pub fn nothing(&self) {}

    /// Give back what was given, or null
    pub fn maybe(&self, value: Option<String>) -> Option<String> {
        value
    }

    /// Always fails
    pub fn fail(&self, #[arg(default = "deliberate failure")] message: String) -> Result<String> {
        bail!(message)
    }

    /// Runs a command that fails
    pub async fn fail_exec(&self, #[arg(default = 3)] code: i64) -> Result<String> {
        let script = format!("echo to-stdout; echo to-stderr >&2; exit {code}");
        Ok(debian()
            .with_exec(vec!["sh", "-c", &script])
            .stdout()
            .await?)
    }

    /// A new random value at every call
    #[function(cache = "never")]
    pub fn fresh(&self) -> String {
        random_word()
    }

    /// A random value that stays the same
    pub fn stable(&self, key: String) -> String {
        key + &random_word()
    }

    /// Ask the dependency
    pub async fn ask_dep(&self, name: String) -> Result<String> {
        Ok(dag().dep().hello(name).await?)
    }

    /// Ask the dependency, configured
    pub async fn ask_dep_as(&self, prefix: String, name: String) -> Result<String> {
        let dep = dag().dep_opts(DepOpts {
            prefix: Some(prefix),
        });
        Ok(dep.hello(name).await?)
    }

    /// Pass on a directory made by the dependency
    pub fn dep_box(&self) -> Directory {
        dag().dep().r#box()
    }

    /// Has the same name as a shell builtin
    pub fn echo(&self, msg: String) -> String {
        format!("sink says {msg}")
    }

    /// A name with digits and capitals
    #[function(name = "toV2URL")]
    pub fn to_v2_url(
        &self,
        #[arg(name = "someHTTPHost")] host: String,
        #[arg(name = "port8080", default = 80)] port: i64,
    ) -> String {
        format!("http://{host}:{port}")
    }
}

fn debian() -> Container {
    dag().container().from(DEBIAN)
}

/// Different in each process: the seed of the standard library's hash maps.
fn random_word() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}", RandomState::new().hash_one(0))
}
