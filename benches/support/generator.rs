//! The load: signed LINE webhooks over raw HTTP/1.1, from a thread of its own.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use threadline::channels::line::signature;
use threadline::clock::Clock;
use threadline::config::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::cpu;
use super::server::{ACCOUNT, SECRET};

pub const CONNECTIONS: usize = 64;
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// An open loop that cannot be held is given up after so many times its length; what was not sent by then has waited until then.
const GIVE_UP_AFTER: u32 = 3;
/// A load that has not ended so long after its time has broken something.
const END_WITHIN: Duration = Duration::from_mins(1);
/// Chats and people that the events come from.
const CHATS: u64 = 200;
const PEOPLE: u64 = 700;
const WORDS: [&str; 6] = [
    "請問上次訂的那批貨什麼時候會到？客戶那邊在催了",
    "收到，謝謝",
    "報價單第三頁的單價好像跟上個月談的不一樣，麻煩再確認一下",
    "好的，我下午請倉庫的同事查",
    "另外想請教一下，發票可以改開三聯式嗎？統編我等等補給你們",
    "明天早上十點的會議改到下午兩點，地點一樣在三樓",
];

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Each connection sends again once it is answered.
    Closed,
    /// Evenly, whatever the answers do.
    Open { per_second: f64 },
}

/// What to send where.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub to: SocketAddr,
    pub pace: Pace,
    pub warm_up: Duration,
    pub measure: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Measured {
    /// 200s, those of the warm-up included.
    pub accepted: u64,
    /// Every other answer.
    pub refused: u64,
    /// 200s a second in the measured time.
    pub per_second: f64,
    /// Of every measured request, ascending; in an open loop from when it was due.
    pub latencies_us: Vec<u64>,
    /// CPU seconds of the generator.
    pub cpu: f64,
}

impl Measured {
    /// The latency that `part` (0 to 1) of the requests did not exceed, in milliseconds.
    pub fn latency_ms(&self, part: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index into a list")]
        let at = (self.latencies_us.len() as f64 * part).ceil() as usize;
        self.latencies_us.get(at.saturating_sub(1)).map_or(0.0, |us| Duration::from_micros(*us).as_secs_f64() * 1e3)
    }
}

/// Sends the load and waits for its end. Blocks.
pub fn run(load: Load) -> anyhow::Result<Measured> {
    let thread = std::thread::Builder::new().name("generator".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut measured = runtime.block_on(send(load))?;
        measured.cpu = cpu::of_this_thread();
        measured.latencies_us.sort_unstable();
        Ok(measured)
    })?;
    thread.join().unwrap_or_else(|_| bail!("the generator broke"))
}

async fn send(load: Load) -> anyhow::Result<Measured> {
    let events = Arc::new(Events { next: AtomicU64::new(0), secret: Secret::new(SECRET), clock: Clock::wall(), to: load.to });
    let mut clients = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        clients.push(Client::connect(&events).await?);
    }
    let start = Instant::now();
    let begin = start + load.warm_up;
    let schedule = Arc::new(Schedule { start, begin, end: begin + load.measure, next: AtomicU64::new(0) });
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|client| {
            let schedule = schedule.clone();
            tokio::spawn(async move {
                match load.pace {
                    Pace::Closed => closed(client, &schedule).await,
                    Pace::Open { per_second } => open(client, &schedule, per_second).await,
                }
            })
        })
        .collect();
    let mut whole = Measured::default();
    let mut in_time = 0.0;
    let mut last = schedule.end;
    let latest = tokio::time::Instant::from_std(begin + load.measure * GIVE_UP_AFTER + END_WITHIN);
    for task in tasks {
        let one = tokio::time::timeout_at(latest, task).await.context("the load did not end")???;
        whole.accepted += one.accepted;
        whole.refused += one.refused;
        in_time += one.in_time;
        last = last.max(one.last);
        whole.latencies_us.extend(one.latencies_us);
    }
    whole.per_second = in_time / (last - begin).as_secs_f64();
    Ok(whole)
}

/// When what is sent. `start` to `begin` is the warm-up, at the same pace.
struct Schedule {
    start: Instant,
    begin: Instant,
    end: Instant,
    /// Number of the next request of an open loop.
    next: AtomicU64,
}

/// What one connection saw.
struct Seen {
    accepted: u64,
    refused: u64,
    /// 200s to what was measured.
    in_time: f64,
    /// When the last of those came.
    last: Instant,
    latencies_us: Vec<u64>,
}

impl Seen {
    fn nothing(schedule: &Schedule) -> Self {
        Self { accepted: 0, refused: 0, in_time: 0.0, last: schedule.begin, latencies_us: vec![] }
    }

    /// Sends one request that was due at `due`; it is measured where `counts` says so of the answer's time.
    async fn exchange(&mut self, client: &mut Client, due: Instant, counts: impl Fn(Instant) -> bool) -> anyhow::Result<()> {
        if client.exchange().await? != 200 {
            self.refused += 1;
            return Ok(());
        }
        self.accepted += 1;
        let now = Instant::now();
        if counts(now) {
            self.in_time += 1.0;
            self.last = now;
            self.latencies_us.push(micros(now - due));
        }
        Ok(())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

async fn closed(mut client: Client, schedule: &Schedule) -> anyhow::Result<Seen> {
    let mut seen = Seen::nothing(schedule);
    loop {
        let now = Instant::now();
        if now >= schedule.end {
            return Ok(seen);
        }
        seen.exchange(&mut client, now, |at| (schedule.begin..schedule.end).contains(&at)).await?;
    }
}

async fn open(mut client: Client, schedule: &Schedule, per_second: f64) -> anyhow::Result<Seen> {
    let mut seen = Seen::nothing(schedule);
    let give_up = schedule.begin + (schedule.end - schedule.begin) * GIVE_UP_AFTER;
    loop {
        let number = schedule.next.fetch_add(1, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "there are far fewer requests than 2^52")]
        let due = schedule.start + Duration::from_secs_f64(number as f64 / per_second);
        if due >= schedule.end {
            return Ok(seen);
        }
        tokio::time::sleep_until(due.into()).await;
        if Instant::now() < give_up {
            seen.exchange(&mut client, due, |_| due >= schedule.begin).await?;
        } else if due >= schedule.begin {
            seen.latencies_us.push(micros(give_up - due));
        }
    }
}

/// A kept-alive connection.
struct Client {
    stream: TcpStream,
    events: Arc<Events>,
    request: Vec<u8>,
    answer: Box<[u8]>,
}

impl Client {
    async fn connect(events: &Arc<Events>) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(events.to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, events: events.clone(), request: vec![], answer: vec![0; ANSWER_BYTES_MAX].into() })
    }

    /// Sends the next event; the answer's status.
    async fn exchange(&mut self) -> anyhow::Result<u16> {
        self.events.next_request(&mut self.request);
        self.stream.write_all(&self.request).await?;
        let mut filled = 0;
        loop {
            match self.stream.read(&mut self.answer[filled..]).await? {
                0 => bail!("the server hung up, or its answer has more than {ANSWER_BYTES_MAX} bytes"),
                read => filled += read,
            }
            if let Some((status, length)) = read_answer(&self.answer[..filled])?
                && length <= filled
            {
                return Ok(status);
            }
        }
    }
}

/// The status and whole length of an answer (RFC 9112, sections 4 and 6) once its head is there.
fn read_answer(bytes: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(head) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..head])?;
    let status = text.split(' ').nth(1).context("the answer has no status")?.parse()?;
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    };
    let body = text.lines().find_map(field).context("the answer has no content-length")??;
    Ok(Some((status, head + 4 + body)))
}

/// Makes events as a group's members write them, no two alike.
struct Events {
    next: AtomicU64,
    secret: Secret,
    clock: Clock,
    to: SocketAddr,
}

impl Events {
    /// Writes a whole request over `request`.
    fn next_request(&self, request: &mut Vec<u8>) {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let (chat, person) = (n % CHATS, n % PEOPLE);
        let words = WORDS[usize::try_from(n).unwrap_or_default() % WORDS.len()];
        let at = self.clock.now().as_millisecond();
        // Their ids are ULIDs: 26 characters that grow with time.
        let body = format!(
            r#"{{"destination":"Ub0000000000000000000000000000001","events":[{{"type":"message","message":{{"type":"text","id":"{n:018}","quoteToken":"q{n:024}","text":"{words}"}},"webhookEventId":"01K{n:023}","deliveryContext":{{"isRedelivery":false}},"timestamp":{at},"source":{{"type":"group","groupId":"C{chat:032x}","userId":"U{person:032x}"}},"replyToken":"a{n:031x}","mode":"active"}}]}}"#
        );
        let signature = signature::sign(&self.secret, body.as_bytes());
        let mut head = String::with_capacity(256);
        write!(
            head,
            "POST /webhooks/line/{ACCOUNT} HTTP/1.1\r\nhost: {}\r\nuser-agent: LineBotWebhook/2.0\r\n\
             content-type: application/json; charset=utf-8\r\nx-line-signature: {signature}\r\ncontent-length: {}\r\n\r\n",
            self.to,
            body.len()
        )
        .expect("a string takes everything");
        request.clear();
        request.extend_from_slice(head.as_bytes());
        request.extend_from_slice(body.as_bytes());
    }
}
