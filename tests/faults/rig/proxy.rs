//! A line to the hub that can be cut, delayed and doubled.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    task::spawn_local,
};
use tokio_util::sync::CancellationToken;

pub struct Proxy {
    pub address: String,
    hub: String,
    delay: Cell<Duration>,
    is_doubled: Cell<bool>,
    /// Cancelled to cut every line there is.
    lines: RefCell<CancellationToken>,
}

impl Proxy {
    pub async fn start(hub: &str, over: CancellationToken) -> std::io::Result<Rc<Self>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let this = Rc::new(Self {
            address: listener.local_addr()?.to_string(),
            hub: hub.to_owned(),
            delay: Cell::default(),
            is_doubled: Cell::default(),
            lines: RefCell::default(),
        });
        let proxy = this.clone();
        spawn_local(async move {
            loop {
                let line = tokio::select! {
                    line = listener.accept() => line,
                    () = over.cancelled() => return,
                };
                let Ok((line, _)) = line else { continue };
                let cut = proxy.lines.borrow().clone();
                spawn_local(proxy.clone().carry(line, cut));
            }
        });
        Ok(this)
    }

    pub fn cut(&self) {
        self.lines.replace(CancellationToken::new()).cancel();
    }

    pub fn delay(&self, delay: Duration) {
        self.delay.set(delay);
    }

    pub fn double(&self, is_doubled: bool) {
        self.is_doubled.set(is_doubled);
    }

    async fn carry(self: Rc<Self>, client: TcpStream, cut: CancellationToken) {
        let Ok(to_hub) = TcpStream::connect(&self.hub).await else { return };
        let second = if self.is_doubled.get() { TcpStream::connect(&self.hub).await.ok() } else { None };
        let (from_client, to_client) = client.into_split();
        let (from_hub, to_hub) = to_hub.into_split();
        let (from_second, to_second) = match second {
            Some(second) => {
                let (from, to) = second.into_split();
                (Some(from), Some(to))
            }
            None => (None, None),
        };
        let forth = self.clone().copy(from_client, Some(to_hub), to_second);
        let back = self.clone().copy(from_hub, Some(to_client), None);
        // What the hub says to a request that it got twice is heard by nobody.
        let unheard = async {
            match from_second {
                Some(from) => self.clone().copy(from, None::<OwnedWriteHalf>, None).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = async { tokio::join!(forth, back); } => {}
            () = cut.cancelled() => {}
            () = async { unheard.await; std::future::pending::<()>().await } => {}
        }
    }

    async fn copy<R, W>(self: Rc<Self>, mut from: R, mut to: Option<W>, mut second: Option<W>)
    where
        R: tokio::io::AsyncRead + Unpin,
        W: tokio::io::AsyncWrite + Unpin,
    {
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(count) = from.read(&mut bytes).await {
            if count == 0 {
                break;
            }
            let delay = self.delay.get();
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let part = bytes.get(..count).unwrap_or_default();
            if let Some(to) = &mut to
                && to.write_all(part).await.is_err()
            {
                break;
            }
            if let Some(second) = &mut second {
                let _ = second.write_all(part).await;
            }
        }
        if let Some(to) = &mut to {
            let _ = to.shutdown().await;
        }
        if let Some(second) = &mut second {
            let _ = second.shutdown().await;
        }
    }
}
