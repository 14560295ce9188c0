//! What the server's process has the clients' one do: a line of JSON, and
//! another one back.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::hostile::Hostile;
use crate::library::Outcome;

/// What the clients are to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Make connections, and exchange a message on each.
    Open { doors: Vec<SocketAddr>, each: usize },
    /// Be quiet.
    Rest { seconds: u64 },
    /// Exchange another message on each.
    Exchange,
    /// Close them in order.
    Close,
    /// Connect all at once; the good ones exchange a message and close.
    Storm {
        door: SocketAddr,
        plan: Vec<Option<Hostile>>,
        seed: u64,
    },
}

/// What they have done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// All of it.
    Done,
    /// They were quiet, and computed for so many nanoseconds.
    Rested { computed: u64 },
    /// Who was who in the storm.
    Stormed(Vec<(SocketAddr, Option<Hostile>)>),
    /// It went wrong.
    Failed(String),
}

/// How the clients' process begins.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Begin {
    /// The certificate of the CA to trust.
    pub(super) root: Vec<u8>,
}

/// The clients' process, as its parent sees it. It ends with this value.
#[derive(Debug)]
pub(super) struct Clients {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Clients {
    /// The command of this program that plays the clients.
    pub(super) fn start(backend: &str, begin: &Begin) -> Outcome<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args([super::clients::COMMAND, backend])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (to, from) = pipes.ok_or("a process that was started has no pipes")?;
        let mut clients = Self {
            child,
            to,
            from: BufReader::new(from),
        };
        say(&mut clients.to, begin)?;
        Ok(clients)
    }

    pub(super) fn order(&mut self, order: &Order) -> Outcome<()> {
        say(&mut self.to, order)
    }

    /// Waits for what came of the order.
    pub(super) fn answer(&mut self) -> Outcome<Answer> {
        match hear(&mut self.from)? {
            Some(Answer::Failed(why)) => Err(format!("the clients: {why}").into()),
            Some(answer) => Ok(answer),
            None => Err("the clients have gone".into()),
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // It may have gone already, and there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One line.
pub(super) fn say(to: &mut impl Write, what: &impl Serialize) -> Outcome<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)?;
    Ok(to.flush()?)
}

/// The next line; `None` at the end.
pub(super) fn hear<T: DeserializeOwned>(from: &mut impl BufRead) -> Outcome<Option<T>> {
    let mut line = Vec::new();
    match from.read_until(b'\n', &mut line) {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(serde_json::from_slice(&line)?)),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
        Err(error) => Err(error.into()),
    }
}
