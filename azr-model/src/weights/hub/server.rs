//! A hub on this machine, for tests: it answers as the real one does, and misbehaves as asked.

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

pub(super) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What the server does wrong with a file, and how many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Declares the whole file and closes the connection after so many bytes of it.
    Stop { after: usize },
    /// Changes a byte.
    Corrupt,
    /// Sends the whole file where a part was asked for, without saying so.
    IgnoreRange,
}

/// What the server knows, shared with the test.
#[derive(Default)]
pub(super) struct Contents {
    /// Small files (served directly) and large ones (`*.safetensors`, `*.gguf`: redirected, named by their sum).
    pub files: HashMap<String, Vec<u8>>,
    /// Faults by file; each is used up one answer at a time.
    pub faults: HashMap<String, Vec<Fault>>,
    /// Status of every answer, unless 200.
    pub refuse: Option<u16>,
    /// Paths and ranges that were asked for, in order.
    pub log: Vec<String>,
    /// The commit that the branch is at.
    pub commit: String,
    /// The token that must come with each request, if one must.
    pub token: Option<String>,
}

/// A running server; it stops when it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    pub contents: Arc<Mutex<Contents>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(files: HashMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let contents = Arc::new(Mutex::new(Contents {
            files,
            commit: COMMIT.to_owned(),
            ..Contents::default()
        }));
        let stopping = Arc::new(AtomicBool::new(false));
        let (shared, stop) = (Arc::clone(&contents), Arc::clone(&stopping));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away is no concern of the server.
                let _ = stream.and_then(|stream| answer(stream, address, &shared));
            }
        });
        Self {
            address,
            contents,
            stopping,
            thread: Some(thread),
        }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn edit(&self, edit: impl FnOnce(&mut Contents)) {
        edit(&mut self.contents.lock().unwrap());
    }

    /// Lines of the log that contain `part`, which are forgotten with the rest.
    pub(super) fn take_log(&self, part: &str) -> Vec<String> {
        let log = std::mem::take(&mut self.contents.lock().unwrap().log);
        log.into_iter().filter(|line| line.contains(part)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let woken = TcpStream::connect(self.address);
        if let (Ok(_), Some(thread)) = (woken, self.thread.take()) {
            thread.join().unwrap();
        }
    }
}

struct Request {
    path: String,
    /// First and last byte asked for.
    range: Option<(usize, Option<usize>)>,
    token: Option<String>,
}

fn request(stream: &TcpStream) -> std::io::Result<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut request = Request {
        path: first.split(' ').nth(1).unwrap_or("/").to_owned(),
        range: None,
        token: None,
    };
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "range" => {
                let (from, to) = value.trim_start_matches("bytes=").split_once('-').unwrap();
                request.range = Some((from.parse().unwrap(), to.parse().ok()));
            }
            "authorization" => request.token = value.strip_prefix("Bearer ").map(str::to_owned),
            _ => {}
        }
    }
    Ok(request)
}

fn answer(
    mut stream: TcpStream,
    address: SocketAddr,
    contents: &Mutex<Contents>,
) -> std::io::Result<()> {
    let request = request(&stream)?;
    let mut contents = contents.lock().unwrap();
    contents
        .log
        .push(format!("{} {:?}", request.path, request.range));
    if let Some(status) = contents.refuse {
        return write!(
            stream,
            "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    if contents.token.is_some()
        && contents.token != request.token
        && !request.path.starts_with("/cdn/")
    {
        return write!(
            stream,
            "HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    let commit = contents.commit.clone();
    if request.path.starts_with("/api/models/org/name/revision/") {
        let siblings: Vec<_> = contents
            .files
            .keys()
            .map(|name| serde_json::json!({"rfilename": name}))
            .collect();
        let body = serde_json::json!({"sha": commit, "siblings": siblings}).to_string();
        let length = body.len();
        return write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
    }
    let resolved = request
        .path
        .strip_prefix(&format!("/org/name/resolve/{commit}/"))
        .map(str::to_owned);
    let stored = request.path.strip_prefix("/cdn/").map(str::to_owned);
    let name = resolved
        .as_ref()
        .or(stored.as_ref())
        .cloned()
        .unwrap_or_default();
    let Some(body) = contents.files.get(&name).cloned() else {
        return write!(
            stream,
            "HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    };
    let large = name.ends_with(".safetensors") || name.ends_with(".gguf");
    let etag = etag(&body, large);
    if large && resolved.is_some() {
        return write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: http://{address}/cdn/{name}\r\nX-Linked-Etag: \"{etag}\"\r\nX-Repo-Commit: {commit}\r\nEtag: \"other\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    send(stream, &mut contents, &request, &name, &body, &etag)
}

/// Sends a file or a part of it, with the next fault that is due. One byte is asked for only to learn the size, so
/// faults wait for more than that.
fn send(
    mut stream: TcpStream,
    contents: &mut Contents,
    request: &Request,
    name: &str,
    body: &[u8],
    etag: &str,
) -> std::io::Result<()> {
    let probe = request.range == Some((0, Some(0)));
    let due = contents
        .faults
        .get_mut(name)
        .filter(|faults| !probe && !faults.is_empty())
        .map(|faults| faults.remove(0));
    let mut body = body.to_vec();
    if due == Some(Fault::Corrupt) {
        *body.last_mut().unwrap() ^= 1;
    }
    let total = body.len();
    let (from, to) = match request.range {
        Some((from, to)) if due != Some(Fault::IgnoreRange) => {
            (from, to.unwrap_or(total - 1).min(total - 1))
        }
        _ => (0, total - 1),
    };
    if total <= from {
        return write!(
            stream,
            "HTTP/1.1 416 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    let part = &body[from..=to];
    let commit = &contents.commit;
    write!(
        stream,
        "HTTP/1.1 206 Partial\r\nContent-Range: bytes {from}-{to}/{total}\r\nEtag: \"{etag}\"\r\nX-Repo-Commit: {commit}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        part.len()
    )?;
    let sent = if let Some(Fault::Stop { after }) = due {
        &part[..after.min(part.len())]
    } else {
        part
    };
    stream.write_all(sent)
}

/// Large files are named by the SHA-256 sum of their bytes, small ones by a shorter sum.
fn etag(body: &[u8], large: bool) -> String {
    let sum: String = Sha256::digest(body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if large { sum } else { sum[..40].to_owned() }
}
