//! Chromium, by its own protocol over two pipes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::target_dir;

/// A browser with one page. It ends when dropped.
pub struct Browser {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: String,
    next: u64,
    /// What the page has complained of.
    pub complaints: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// Opens a page of so many pixels, as dark or light as said.
    pub fn open(file: &Path, fragment: &str, (width, height): (u32, u32), dark: bool) -> Self {
        let profile = tempfile::tempdir().expect("a directory");
        let mut child = Command::new("sh")
            // The protocol is on 3 and 4.
            .args(["-c", "exec \"$@\" 3<&0 4>&1 0</dev/null 1>&2", "sh"])
            .args([
                "chromium-headless-shell",
                "--remote-debugging-pipe",
                "--no-sandbox",
            ])
            .args([
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--force-renderer-accessibility",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--window-size={width},{height}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("no chromium-headless-shell: run `cargo xtask tools`");
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let mut browser = Self {
            child,
            input: input.expect("a pipe"),
            output: BufReader::new(output.expect("a pipe")),
            session: String::new(),
            next: 0,
            complaints: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Log", "Accessibility", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        let clock = json!({"timeDomain": "threadTicks"});
        browser.call("Performance.enable", clock);
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        browser.call("Emulation.setEmulatedMedia", json!({"features": features}));
        let url = format!("file://{}{fragment}", file.display());
        browser.call("Page.navigate", json!({"url": url}));
        browser.until("document.readyState === 'complete'");
        browser
    }

    /// Calls a method; gives its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).expect("a living browser");
        loop {
            let answer = self.read();
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            match answer["method"].as_str() {
                Some("Runtime.exceptionThrown" | "Log.entryAdded") => {
                    self.complaints.push(answer["params"].to_string());
                }
                Some("Network.requestWillBeSent") => {
                    let url = answer["params"]["request"]["url"]
                        .as_str()
                        .unwrap_or_default();
                    if !url.starts_with("file://") && !url.starts_with("about:") {
                        self.complaints.push(format!("asks for {url}"));
                    }
                }
                _ => {}
            }
        }
    }

    fn read(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.output.read_until(0, &mut bytes).expect("a message");
        bytes.pop();
        serde_json::from_slice(&bytes).expect("a message in JSON: the browser has ended")
    }

    /// Value of an expression; of a promise, what it comes to.
    pub fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.call("Runtime.evaluate", params);
        assert!(
            result["exceptionDetails"].is_null(),
            "{expression}: {result}"
        );
        result["result"]["value"].clone()
    }

    pub fn text(&mut self, expression: &str) -> String {
        let value = self.value(expression);
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn until(&mut self, expression: &str) {
        let wait = format!(
            "new Promise(done => {{ const end = Date.now() + 20000; const look = () => {{ let is = false; try {{ is = Boolean({expression}) }} catch {{}} \
             if (is || Date.now() > end) done(is); else setTimeout(look, 15); }}; look(); }})"
        );
        assert_eq!(self.value(&wait), true, "never: {expression}");
    }

    /// Milliseconds of scripts, styles and layout so far, by the clock of the page's
    /// thread: who else uses the machine does not count.
    pub fn work(&mut self) -> f64 {
        let metrics = self.call("Performance.getMetrics", json!({}));
        let metrics = metrics["metrics"].as_array().expect("metrics");
        let of = |name: &str| {
            let found = metrics.iter().find(|metric| metric["name"] == name);
            let found = found.and_then(|metric| metric["value"].as_f64());
            found.unwrap_or_else(|| panic!("no {name}"))
        };
        1000.0 * (of("ScriptDuration") + of("LayoutDuration") + of("RecalcStyleDuration"))
    }

    /// Presses a key as a person does.
    pub fn press(&mut self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "Tab" => 9,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "End" => 35,
            "Home" => 36,
            "PageDown" => 34,
            "PageUp" => 33,
            _ => 0,
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({"type": kind, "key": key, "windowsVirtualKeyCode": code});
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
        // Until it is drawn.
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
    }

    /// What a screen reader knows: role, name and properties of all nodes.
    pub fn accessibility(&mut self) -> Vec<Value> {
        let tree = self.call("Accessibility.getFullAXTree", json!({}));
        tree["nodes"].as_array().expect("nodes").clone()
    }

    /// Keeps a picture among what the tests leave.
    pub fn picture(&mut self, name: &str) -> PathBuf {
        let shot = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let data = shot["data"].as_str().expect("a picture");
        let dir = pictures();
        let file = dir.join(name);
        fs::write(&file, decoded(data)).expect("a file");
        file
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where pictures and their pages are kept.
pub fn pictures() -> PathBuf {
    let dir = target_dir().join("tests/trace");
    fs::create_dir_all(&dir).expect("a directory");
    dir
}

fn decoded(base64: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD
        .decode(base64)
        .expect("base64")
}
