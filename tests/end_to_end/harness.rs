//! Starts `clippy` processes and reads what they print.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clippy_testing::BlockingApiClient;
pub use clippy_testing::wait_for_blocking;
use parking_lot::Mutex;
use serde_json::Value;

/// Returns the binary with a clean environment: the settings of the machine that runs the tests do
/// not apply.
pub fn clippy(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clippy"));
    for setting in clippy_core::settings::table::SETTINGS {
        command.env_remove(setting.name);
        setting.older.iter().for_each(|name| {
            command.env_remove(name);
        });
    }
    // A folder without a .env.
    command
        .current_dir(data)
        .arg("--data-dir")
        .arg(data.join("data"));
    command
}

/// Runs a command to its end.
pub fn run(data: &Path, arguments: &[&str]) -> Output {
    clippy(data)
        .args(arguments)
        .output()
        .expect("the binary starts")
}

/// Runs a command that prints little and must end by itself. After `limit` it is killed, and has no
/// exit code.
pub fn output_within(command: &mut Command, limit: Duration) -> Output {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let begun = Instant::now();
    wait_for_blocking("the command to end", 2 * limit, || {
        if begun.elapsed() > limit {
            let _ = child.kill();
        }
        child.try_wait().expect("a child")
    });
    child.wait_with_output().expect("its output")
}

/// Runs a command that must succeed, and reads its answer as JSON.
pub fn json(data: &Path, arguments: &[&str]) -> Value {
    let output = run(data, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", text(&output.stdout)))
}

/// Returns printed bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running `clippy serve` or `clippy demo`; killed when it is dropped.
pub struct Server {
    child: Child,
    /// Where it serves.
    pub url: String,
    /// What the server printed on standard error so far.
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts a serving command on a free port, and waits until it prints its address.
    pub fn start(data: &Path, command: &str, arguments: &[&str]) -> Self {
        Self::start_with(data, command, arguments, &[])
    }

    /// Like [`Server::start`], with these settings.
    pub fn start_with(
        data: &Path,
        command: &str,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> Self {
        let mut program = clippy(data);
        program
            .arg(command)
            .args(arguments)
            .envs(settings.iter().copied());
        if !arguments.contains(&"--bind") {
            program.args(["--bind", "127.0.0.1:0"]);
        }
        let mut child = program
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stdout = child.stdout.take().expect("piped");
        // Both pipes are read to their ends, so that the server never blocks on a full pipe.
        let stderr = child.stderr.take().expect("piped");
        let log = follow(stderr);
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(url) = line
                    .split_whitespace()
                    .find(|word| word.starts_with("http://"))
                {
                    let _ = send.send(url.trim_end_matches(['/', '.']).to_owned());
                }
            }
        });
        match receive.recv_timeout(Duration::from_secs(180)) {
            Ok(url) => Self { child, url, log },
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("clippy {command} did not print its address: {}", log.lock());
            }
        }
    }

    /// Returns a client of its API.
    pub fn api(&self) -> BlockingApiClient {
        BlockingApiClient::new(&self.url)
    }

    /// Returns the process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Returns the exit status, or `None` while the server runs.
    pub fn exit_status(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().expect("a child")
    }

    /// Returns what the server printed on standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().clone()
    }

    /// Kills the server, as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("running");
        self.child.wait().expect("a child");
    }

    /// Asks the server to stop, and returns its exit status.
    pub fn stop(mut self) -> std::process::ExitStatus {
        signal(self.child.id(), "TERM");
        wait_for_blocking("the server to stop", Duration::from_secs(30), || {
            self.child.try_wait().expect("a child")
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a pipe to its end, and returns what was read so far.
pub fn follow(pipe: impl std::io::Read + Send + 'static) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let written = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut log = written.lock();
            log.push_str(&line);
            log.push('\n');
        }
    });
    log
}

/// Sends a signal by name.
pub fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status()
        .expect("kill is there");
    assert!(status.success(), "kill -{name} {process}");
}

/// Returns the folder of a small gallery of drawings with a manifest. It is drawn once for all test
/// processes, since drawing takes as long as the rest of most tests.
pub fn gallery() -> &'static Path {
    static GALLERY: OnceLock<PathBuf> = OnceLock::new();
    GALLERY.get_or_init(|| {
        make_once("gallery", |folder| {
            clippy_drawings::write_gallery(folder).expect("the drawings can be written");
        })
    })
}

/// Returns a folder that the first test process makes and all others share. Each build of the
/// program makes its own.
fn make_once(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let program = std::fs::metadata(env!("CARGO_BIN_EXE_clippy"))
        .and_then(|file| file.modified())
        .expect("it was built");
    let build = program
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_millis();
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shared");
    std::fs::create_dir_all(&shared).expect("cargo's own folder");
    let lock = std::fs::File::create(shared.join(format!("{name}.lock"))).expect("a lock file");
    lock.lock().expect("the lock");
    let folder = shared.join(format!("{name}-{build}"));
    if !folder.is_dir() {
        for older in std::fs::read_dir(&shared).expect("made above").flatten() {
            let file_name = older.file_name();
            if file_name
                .to_str()
                .and_then(|text| text.strip_prefix(name))
                .is_some_and(|rest| rest.starts_with('-'))
            {
                let _ = std::fs::remove_dir_all(older.path());
            }
        }
        let unfinished = shared.join(format!("{name}.part"));
        let _ = std::fs::remove_dir_all(&unfinished);
        std::fs::create_dir_all(&unfinished).expect("cargo's own folder");
        make(&unfinished);
        std::fs::rename(&unfinished, &folder).expect("on one disk");
    }
    folder
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a temporary folder");
    for entry in std::fs::read_dir(from).expect("it is there").flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().expect("an entry").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a temporary folder");
        }
    }
}

/// Writes the first lines of the gallery's manifest to a file, and returns its path.
pub fn short_manifest(folder: &Path, lines: usize) -> PathBuf {
    let whole =
        std::fs::read_to_string(gallery().join("manifest.jsonl")).expect("written by the gallery");
    let cut: Vec<&str> = whole.lines().take(lines).collect();
    let path = folder.join("manifest.jsonl");
    std::fs::write(&path, cut.join("\n")).expect("a temporary folder");
    path
}

/// Fills a data folder with the gallery's first pictures, and returns the manifest's path. The
/// pictures are embedded once for each number of lines; the folder is copied for each test.
pub fn ingest_some(folder: &Path, lines: usize) -> String {
    let manifest = short_manifest(folder, lines).display().to_string();
    let filled = make_once(&format!("filled-{lines}"), |filled| {
        let manifest = short_manifest(filled, lines).display().to_string();
        let root = gallery().display().to_string();
        json(
            filled,
            &[
                "ingest",
                "--manifest",
                &manifest,
                "--images-root",
                &root,
                "--json",
            ],
        );
    });
    copy_folder(&filled.join("data"), &folder.join("data"));
    manifest
}
