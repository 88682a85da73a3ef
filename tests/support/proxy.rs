//! A proxy that is hard on connections: it cuts those on which nothing comes from the hub for a while, those that have
//! carried so much, and all of them on request; and it can stop passing anything on.

use std::{cell::Cell, collections::VecDeque, rc::Rc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

/// What it does to connections.
#[derive(Clone, Default)]
pub struct Cuts {
    /// After so long without a byte from the hub.
    pub idle: Option<Duration>,
    /// After so many bytes from the hub: one number for each connection, in turn; then none is cut.
    pub after: Vec<usize>,
}

pub struct Proxy {
    pub address: String,
    cut: Rc<Cell<usize>>,
    stalled: watch::Sender<bool>,
    acceptor: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

impl Proxy {
    pub async fn before(hub: &str, cuts: Cuts) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stalled, is_stalled) = watch::channel(false);
        let cut = Rc::new(Cell::new(0));
        let (hub, counted) = (hub.to_owned(), Rc::clone(&cut));
        let acceptor = actix_rt::spawn(async move {
            let mut budgets = VecDeque::from(cuts.after);
            while let Ok((client, _)) = listener.accept().await {
                let budget = budgets.pop_front().unwrap_or(usize::MAX);
                let (hub, counted, is_stalled) = (hub.clone(), Rc::clone(&counted), is_stalled.clone());
                actix_rt::spawn(async move {
                    let Ok(server) = TcpStream::connect(hub).await else { return };
                    if carry(client, server, cuts.idle, budget, is_stalled).await {
                        counted.set(counted.get() + 1);
                    }
                });
            }
        });
        Self { address, cut, stalled, acceptor }
    }

    /// How many connections it has cut.
    pub fn cuts(&self) -> usize {
        self.cut.get()
    }

    /// From now on nothing that the hub says is passed on, or everything again.
    pub fn stall(&self, is_stalled: bool) {
        self.stalled.send_replace(is_stalled);
    }
}

/// Carries bytes both ways until one side ends or it is cut; answers whether it was cut.
async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    idle: Option<Duration>,
    mut budget: usize,
    mut stalled: watch::Receiver<bool>,
) -> bool {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let up = async {
        let _ = copy(&mut from_client, &mut to_server).await;
        // A client that has said all may still listen.
        std::future::pending::<()>().await;
    };
    let down = async {
        let mut buffer = [0; 4096];
        loop {
            let next = async {
                let _ = stalled.wait_for(|is_stalled| !is_stalled).await;
                from_server.read(&mut buffer).await
            };
            let Ok(read) = timeout(idle.unwrap_or(Duration::from_secs(3_600)), next).await else {
                return true;
            };
            let Ok(read @ 1..) = read else { return false };
            if *stalled.borrow() {
                // What was on its way when the line stalled does not arrive either.
                tokio::time::sleep(idle.unwrap_or_default()).await;
                return true;
            }
            let passed = read.min(budget);
            budget -= passed;
            if to_client.write_all(&buffer[..passed]).await.is_err() {
                return false;
            }
            if budget == 0 {
                return true;
            }
        }
    };
    tokio::select! {
        () = up => false,
        was_cut = down => was_cut,
    }
}
