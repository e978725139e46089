//! Files by the SHA-256 of their bytes: in a folder, or in an S3-compatible bucket.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use object_store::aws::AmazonS3Builder;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, PutPayload};
use ring::digest::{Context, Digest, SHA256};
use tokio::io::AsyncWriteExt;

use crate::config::Storage;

/// Octets that are gathered before they leave for the file store; S3 takes no smaller part, and 10,000 of these at most (80 GB).
const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts of one file on their way side by side. With one that is being gathered, a file takes three of them in memory.
const PARTS_UNDER_WAY_MAX: usize = 2;

/// The folder of streams whose end, and so whose hash, is not known yet.
const UNFINISHED: &str = "incoming";

/// Why a file could not be kept or had.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    #[error("making the folder {0}")]
    Folder(String, #[source] std::io::Error),
    #[error("talking to the file store")]
    Store(#[from] object_store::Error),
    #[error("writing to the file store")]
    Write(#[from] std::io::Error),
    #[error("reading the file's bytes from where they come")]
    Source(#[source] anyhow::Error),
    #[error("the file is larger than {max} bytes")]
    TooLarge { max: u64 },
}

impl FilesError {
    /// The store answers, and has no such file.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Store(object_store::Error::NotFound { .. }))
    }
}

/// A kept file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Lower-case hex.
    pub sha256: String,
    /// Octets.
    pub size: u64,
}

/// The file store: cheap to clone.
#[derive(Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
}

impl Files {
    /// Opens the store that the configuration names; a folder is made where it is not there.
    pub fn open(storage: &Storage) -> Result<Self, FilesError> {
        let store: Arc<dyn ObjectStore> = match storage {
            Storage::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(|e| FilesError::Folder(folder.display().to_string(), e))?;
                // What was acknowledged must survive a power cut; the library's default does not wait for the disk.
                Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true))
            }
            Storage::S3 { bucket, prefix, endpoint, region, access_key_id, secret_access_key } => {
                let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_region(region);
                if let Some(endpoint) = endpoint {
                    builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
                }
                if let (Some(id), Some(secret)) = (access_key_id, secret_access_key) {
                    builder = builder.with_access_key_id(id).with_secret_access_key(secret.expose());
                }
                Arc::new(PrefixStore::new(builder.build()?, prefix.as_str()))
            }
        };
        Ok(Self { store })
    }

    /// Keeps these bytes.
    pub async fn put(&self, bytes: Bytes) -> Result<Kept, FilesError> {
        let kept = Kept { sha256: sha256(&bytes), size: bytes.len() as u64 };
        let key = key(&kept.sha256);
        if self.store.head(&key).await.is_err() {
            self.store.put(&key, bytes.into()).await?;
        }
        Ok(kept)
    }

    /// Keeps many small things in one file, for the price of one: a reference for each, in order, that [`Files::read`] takes.
    pub async fn put_together(&self, things: &[Bytes]) -> Result<Vec<String>, FilesError> {
        let mut digest = Context::new(&SHA256);
        for thing in things {
            digest.update(thing);
        }
        let sha256 = named(digest.finish());
        self.store.put(&key(&sha256), things.iter().cloned().collect::<PutPayload>()).await?;
        let mut offset = 0;
        let references = things.iter().map(|thing| {
            let reference = format!("{sha256}:{offset}:{}", thing.len());
            offset += thing.len();
            reference
        });
        Ok(references.collect())
    }

    /// Keeps what a stream brings, without holding it in memory. More than `max` octets are refused.
    pub async fn put_stream(&self, mut bytes: impl Stream<Item = anyhow::Result<Bytes>> + Unpin, max: u64) -> Result<Kept, FilesError> {
        let unnamed = Path::from(format!("{UNFINISHED}/{}", uuid::Uuid::new_v4()));
        let mut writer =
            BufWriter::with_capacity(self.store.clone(), unnamed.clone(), PART_BYTES).with_max_concurrency(PARTS_UNDER_WAY_MAX);
        let mut digest = Context::new(&SHA256);
        let mut size = 0_u64;
        let written = async {
            while let Some(chunk) = bytes.next().await {
                let chunk = chunk.map_err(FilesError::Source)?;
                size += chunk.len() as u64;
                if size > max {
                    return Err(FilesError::TooLarge { max });
                }
                digest.update(&chunk);
                writer.write_all(&chunk).await?;
            }
            Ok(())
        };
        if let Err(why) = written.await {
            if let Err(error) = writer.abort().await {
                tracing::warn!(%error, "half a file stays in the file store until it is swept");
            }
            return Err(why);
        }
        writer.shutdown().await?;
        let kept = Kept { sha256: named(digest.finish()), size };
        self.name(&unnamed, &kept).await?;
        Ok(kept)
    }

    /// Gives the stream's bytes their name. In a bucket that is a copy and a deletion.
    async fn name(&self, unnamed: &Path, kept: &Kept) -> Result<(), FilesError> {
        let Err(why) = self.store.rename(unnamed, &key(&kept.sha256)).await else { return Ok(()) };
        // Nobody waits for it under its old name.
        if let Err(error) = self.store.delete(unnamed).await {
            tracing::warn!(%error, "a file stays in the file store a second time until it is swept");
        }
        if self.size(&kept.sha256).await.is_ok_and(|size| size == kept.size) { Ok(()) } else { Err(why.into()) }
    }

    /// The bytes, as a stream, with their number.
    pub async fn get(&self, sha256: &str) -> Result<(u64, BoxStream<'static, Result<Bytes, object_store::Error>>), FilesError> {
        let found = self.store.get(&key(sha256)).await?;
        Ok((found.meta.size, found.into_stream()))
    }

    /// How many octets the file has.
    pub async fn size(&self, sha256: &str) -> Result<u64, FilesError> {
        Ok(self.store.head(&key(sha256)).await?.size)
    }

    /// The bytes from the first to before the last of `range`, as a stream. The range lies within the file and is not empty.
    pub async fn get_range(
        &self,
        sha256: &str,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, object_store::Error>>, FilesError> {
        let options = GetOptions::new().with_range(Some(range));
        Ok(self.store.get_opts(&key(sha256), options).await?.into_stream())
    }

    /// The bytes, whole: for mails, which are bounded. `reference` is a SHA-256, or what [`Files::put_together`] gave.
    pub async fn read(&self, reference: &str) -> Result<Bytes, FilesError> {
        match part(reference) {
            // There is no empty range.
            Some((_, range)) if range.is_empty() => Ok(Bytes::new()),
            Some((sha256, range)) => Ok(self.store.get_range(&key(sha256), range).await?),
            None => Ok(self.store.get(&key(reference)).await?.bytes().await?),
        }
    }

    /// Forgets the bytes; nothing happens where there are none.
    pub async fn delete(&self, sha256: &str) -> Result<(), FilesError> {
        match self.store.delete(&key(sha256)).await {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes away what a process left half written when it died: streams that were begun before `before`. How many there were.
    pub async fn sweep(&self, before: Timestamp) -> Result<usize, FilesError> {
        let unfinished: Vec<_> = self.store.list(Some(&Path::from(UNFINISHED))).try_collect().await?;
        let old = unfinished.into_iter().filter(|o| o.last_modified.timestamp() < before.as_second());
        let mut swept = 0;
        for object in old {
            self.store.delete(&object.location).await?;
            swept += 1;
        }
        Ok(swept)
    }

    /// Whether the store answers.
    pub async fn check(&self) -> Result<(), FilesError> {
        match self.store.head(&Path::from("check")).await {
            Err(object_store::Error::NotFound { .. }) | Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// `SHA-256:OFFSET:LENGTH`.
fn part(reference: &str) -> Option<(&str, Range<u64>)> {
    let (sha256, place) = reference.split_once(':')?;
    let (offset, length) = place.split_once(':')?;
    let offset: u64 = offset.parse().ok()?;
    Some((sha256, offset..offset.checked_add(length.parse().ok()?)?))
}

/// `ab/abcd…`: 256 folders, so that none grows too long.
fn key(sha256: &str) -> Path {
    Path::from(format!("{}/{sha256}", &sha256[..sha256.len().min(2)]))
}

/// The SHA-256 of `bytes` as lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    named(ring::digest::digest(&SHA256, bytes))
}

fn named(digest: Digest) -> String {
    hex(digest.as_ref())
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|half| char::from(DIGITS[usize::from(half)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn things_kept_together_are_read_one_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(&Storage::Folder(dir.path().to_owned())).unwrap();
        let things: Vec<Bytes> = ["one", "", "three", "四"].map(Bytes::from).to_vec();
        let references = files.put_together(&things).await.unwrap();
        assert_eq!(references.iter().map(|r| r[..64].to_owned()).collect::<Vec<_>>(), vec![sha256("onethree四".as_bytes()); 4]);
        for (reference, thing) in references.iter().zip(&things) {
            assert_eq!(files.read(reference).await.unwrap(), *thing);
        }
        let alone = files.put("alone".into()).await.unwrap();
        assert_eq!(files.read(&alone.sha256).await.unwrap(), "alone");
        for bad in [format!("{}:90:1", &references[0][..64]), format!("{}:x:1", &references[0][..64]), "nothing".to_owned()] {
            files.read(&bad).await.unwrap_err();
        }
    }
}
