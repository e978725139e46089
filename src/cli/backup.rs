//! `threadline backup` and `threadline restore`: the whole installation in a folder, the same for both databases.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};
use futures_util::TryStreamExt;

use crate::clock::Clock;
use crate::config::Config;
use crate::files::Files;
use crate::store::dump::{self, TABLES};
use crate::store::{self, Db};

/// What the folder's form is called; another is not read.
const FORM: &str = "threadline backup 1";
const MANIFEST: &str = "manifest.json";

/// Writes everything into `dir`, which must be new or empty.
pub(super) async fn backup(config: Config, dir: &Path) -> anyhow::Result<()> {
    if dir.exists() && fs::read_dir(dir).with_context(|| format!("looking into {}", dir.display()))?.next().is_some() {
        bail!("{} is not empty; give a new folder", dir.display());
    }
    fs::create_dir_all(dir.join("tables")).with_context(|| format!("making {}", dir.display()))?;
    fs::create_dir_all(dir.join("files"))?;
    let db = Db::open(config.database.url.expose()).await?;
    let files = Files::open(&config.storage)?;
    let mut c = db.snapshot().await?;
    let mut rows = 0;
    for table in TABLES {
        let mut out = BufWriter::new(File::create(dir.join("tables").join(format!("{table}.jsonl")))?);
        rows += dump::write_table(&mut c, table, &mut out).await?;
        out.into_inner().context("writing a table")?.sync_all()?;
    }
    let hashes = dump::files(&mut c).await?;
    drop(c);
    let mut kept = 0;
    let mut absent = vec![];
    for sha256 in hashes {
        let mut bytes = match files.get(&sha256).await {
            Ok((_, bytes)) => bytes,
            Err(error) if error.is_absent() => {
                absent.push(sha256);
                continue;
            }
            Err(error) => return Err(error).with_context(|| format!("the backup is not finished: reading the file {sha256}")),
        };
        let mut out = BufWriter::new(File::create(dir.join("files").join(&sha256))?);
        while let Some(chunk) = bytes.try_next().await.with_context(|| format!("the backup is not finished: reading the file {sha256}"))? {
            out.write_all(&chunk)?;
        }
        out.into_inner().context("writing a file")?.sync_all()?;
        kept += 1;
    }
    // One that was taken back while we copied is rightly gone.
    let needed = dump::files(&mut *db.read().await?).await?;
    let lost: Vec<&String> = absent.iter().filter(|sha256| needed.contains(sha256)).collect();
    let manifest = serde_json::json!({
        "form": FORM,
        "threadline": env!("CARGO_PKG_VERSION"),
        "schema": store::VERSION,
        "made_at": Clock::wall().now().to_string(),
        "rows": rows,
        "files": kept,
        "absent": absent,
    });
    // Written last: a folder without it is an unfinished backup.
    fs::write(dir.join(MANIFEST), serde_json::to_vec_pretty(&manifest)?)?;
    db.close().await;
    println!("{rows} rows and {kept} files are in {}", dir.display());
    if let Some(first) = lost.first() {
        bail!(
            "the backup holds all that there is, but {} files that the database names are not in the storage; the first is {first}",
            lost.len()
        );
    }
    Ok(())
}

/// Puts the backup in `dir` into an empty database and the file store.
pub(super) async fn restore(config: Config, dir: &Path) -> anyhow::Result<()> {
    let manifest =
        fs::read(dir.join(MANIFEST)).with_context(|| format!("{} is no finished backup: reading its {MANIFEST}", dir.display()))?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).with_context(|| format!("reading {MANIFEST}"))?;
    if manifest["form"] != FORM {
        bail!("{} is not in the form {FORM:?}", dir.display());
    }
    if manifest["schema"] != store::VERSION {
        bail!(
            "the backup has schema version {}, this program {}: restore it with the program that made it",
            manifest["schema"],
            store::VERSION
        );
    }
    let db = Db::open(config.database.url.expose()).await?;
    if !dump::is_empty(&mut *db.read().await?).await? {
        bail!("database.url: the database is not empty; restore takes an empty one");
    }
    let files = Files::open(&config.storage)?;
    let mut kept = BTreeSet::new();
    for entry in fs::read_dir(dir.join("files"))? {
        let entry = entry?;
        let file = tokio::fs::File::open(entry.path()).await?;
        let bytes = tokio_util::io::ReaderStream::new(file).map_err(anyhow::Error::from);
        let put = files.put_stream(Box::pin(bytes), u64::MAX).await?;
        if entry.file_name().to_string_lossy() != put.sha256 {
            bail!("{} is not what it was: its SHA-256 is {}", entry.path().display(), put.sha256);
        }
        kept.insert(put.sha256);
    }
    let absent = manifest["absent"].as_array().into_iter().flatten().filter_map(|sha256| sha256.as_str());
    let told: BTreeSet<&str> = absent.collect();
    let mut tx = db.begin().await?;
    dump::clear_fresh(&mut tx).await?;
    let mut rows = 0;
    for table in TABLES {
        let path = dir.join("tables").join(format!("{table}.jsonl"));
        let lines = BufReader::new(File::open(&path).with_context(|| format!("reading {}", path.display()))?);
        rows += dump::read_table(&mut tx, table, lines).await.with_context(|| format!("putting {} back", path.display()))?;
    }
    let named = dump::files(&mut tx).await?;
    let lacking: Vec<&String> = named.iter().filter(|sha256| !kept.contains(*sha256) && !told.contains(sha256.as_str())).collect();
    if let Some(first) = lacking.first() {
        bail!(
            "{} is not whole, and nothing was put back: {} files are missing in its folder files, such as {first}",
            dir.display(),
            lacking.len()
        );
    }
    dump::restart_ids(&mut tx, db.dialect).await?;
    tx.commit().await?;
    db.close().await;
    println!("{rows} rows and {} files are back", kept.len());
    Ok(())
}
