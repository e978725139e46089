//! Mail in a folder of files: Maildir (<https://cr.yp.to/proto/maildir.html>), with Maildir++ folders
//! (<https://www.courier-mta.org/imap/README.maildirquota.html>).
//!
//! Other programs may move and flag the files at any time; a file that is gone is no error where it can be helped.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::connection::MAIL_BYTES_MAX;
use super::imap::utf7;
use crate::config::AfterTaking;

/// Mails that one listing names; the others come once these are settled.
pub const LIST_MAX: usize = 10_000;
/// A file name with the room for its flags must fit into 255 bytes.
const UNIQUE_BYTES_MAX: usize = 200;

const SEEN: char = 'S';

/// The files of `new`, and those of `cur` that nobody has seen, by name; at most [`LIST_MAX`].
///
/// # Errors
/// `NotFound` where `dir` itself is not there; a missing `new` or `cur` holds nothing.
pub async fn list_new(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let dir = dir.to_owned();
    blocking(move || {
        fs::metadata(&dir)?;
        let mut found = files(&dir.join("new"))?;
        found.extend(files(&dir.join("cur"))?.into_iter().filter(|path| !flags_of(path).contains(SEEN)));
        found.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
        found.truncate(LIST_MAX);
        Ok(found)
    })
    .await
}

/// The bytes of a mail.
///
/// # Errors
/// `FileTooLarge` over [`MAIL_BYTES_MAX`]; `NotFound` where another program was faster: list again.
pub async fn read(path: &Path) -> io::Result<Vec<u8>> {
    let path = path.to_owned();
    blocking(move || {
        let mut raw = Vec::new();
        fs::File::open(&path)?.take(MAIL_BYTES_MAX + 1).read_to_end(&mut raw)?;
        if u64::try_from(raw.len()).unwrap_or(u64::MAX) > MAIL_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(raw)
    })
    .await
}

/// Does with a mail that is durable what the operator asked for: `S` in `cur`, off to the Maildir++ folder, or gone. A
/// mail that is not there any more is settled.
pub async fn settle(path: &Path, after: &AfterTaking) -> io::Result<()> {
    let (path, after) = (path.to_owned(), after.clone());
    blocking(move || {
        let dir = path.parent().and_then(Path::parent).ok_or_else(|| invalid("a mail lies in new or cur of its folder"))?;
        let unique = unique_of(&path).to_owned();
        // Twice: another program may rename it between the look and the act.
        for _ in 0..2 {
            let Some(path) = find(dir, &unique)? else { return Ok(()) };
            match settle_now(dir, &path, &unique, &after) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                outcome => return outcome,
            }
        }
        Ok(())
    })
    .await
}

/// Files a mail as new, durably, under a name of its own; makes the folder where it is not there. Names sort by arrival.
pub async fn deliver(dir: &Path, raw: &[u8]) -> io::Result<PathBuf> {
    deliver_named(dir, raw, &format!("{}.threadline", Uuid::now_v7().simple())).await
}

/// Files a mail as new, durably, under the name `unique`; where that name is in `new` or `cur` already, nothing is done
/// but to tell where.
///
/// # Errors
/// `InvalidInput` where `unique` is no plain name: ASCII letters, digits and `.-_=,+@`, not beginning with a dot.
pub async fn deliver_named(dir: &Path, raw: &[u8], unique: &str) -> io::Result<PathBuf> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b".-_=,+@".contains(&b);
    if unique.is_empty() || unique.len() > UNIQUE_BYTES_MAX || unique.starts_with('.') || !unique.bytes().all(is_plain) {
        return Err(invalid("a mail's file name is made of letters, digits and .-_=,+@"));
    }
    let (dir, raw, unique) = (dir.to_owned(), raw.to_owned(), unique.to_owned());
    blocking(move || {
        create(&dir)?;
        if let Some(path) = find(&dir, &unique)? {
            return Ok(path);
        }
        // Not the unique name: a killed attempt may have left half a file there.
        let tmp = dir.join("tmp").join(format!("{}.threadline", Uuid::now_v7().simple()));
        let path = dir.join("new").join(&unique);
        let filed = write_synced(&tmp, &raw).and_then(|()| fs::rename(&tmp, &path));
        if let Err(e) = filed {
            if let Err(left) = fs::remove_file(&tmp)
                && left.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(error = %left, "a half-written mail stays in tmp");
            }
            return Err(e);
        }
        sync_folder(&dir.join("new"))?;
        Ok(path)
    })
    .await
}

/// Makes the folder where it is not there, and makes sure that a mail could be filed in it.
pub async fn check(dir: &Path) -> io::Result<()> {
    let dir = dir.to_owned();
    blocking(move || {
        create(&dir)?;
        let probe = dir.join("tmp").join(format!("{}.check", Uuid::now_v7().simple()));
        write_synced(&probe, b"")?;
        fs::remove_file(&probe)
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// Every mail in one of the three folders; nothing where there is no such folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") && !entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

/// A file's name without the `:2,FLAGS` behind it.
fn unique_of(path: &Path) -> &str {
    name_of(path).split(':').next().unwrap_or_default()
}

fn flags_of(path: &Path) -> &str {
    name_of(path).split_once(":2,").map_or("", |(_, flags)| flags)
}

/// Where the mail of this name lies now.
fn find(dir: &Path, unique: &str) -> io::Result<Option<PathBuf>> {
    let new = dir.join("new").join(unique);
    if fs::exists(&new)? {
        return Ok(Some(new));
    }
    Ok(files(&dir.join("cur"))?.into_iter().find(|path| unique_of(path) == unique))
}

fn settle_now(dir: &Path, path: &Path, unique: &str, after: &AfterTaking) -> io::Result<()> {
    match after {
        AfterTaking::Seen => {
            let mut flags: Vec<char> = flags_of(path).chars().chain([SEEN]).collect();
            flags.sort_unstable();
            flags.dedup();
            let name = format!("{unique}:2,{}", String::from_iter(flags));
            fs::create_dir_all(dir.join("cur"))?;
            fs::rename(path, dir.join("cur").join(name))
        }
        AfterTaking::Move(folder) => {
            let target = subfolder(dir, folder)?;
            create(&target)?;
            // Marks a folder of a larger Maildir for programs that deliver into it directly.
            fs::OpenOptions::new().append(true).create(true).open(target.join("maildirfolder"))?;
            fs::rename(path, target.join("cur").join(format!("{unique}:2,{}", flags_of(path))))
        }
        AfterTaking::Delete => fs::remove_file(path),
    }
}

/// `Clients/Done` is `.Clients.Done` (Maildir++), in modified UTF-7 where it is not ASCII.
fn subfolder(dir: &Path, folder: &str) -> io::Result<PathBuf> {
    let parts: Vec<String> = folder.split(['/', '.']).filter(|part| !part.is_empty()).map(utf7).collect();
    if parts.is_empty() {
        return Err(invalid("the folder to move to has no name"));
    }
    Ok(dir.join(format!(".{}", parts.join("."))))
}

fn create(dir: &Path) -> io::Result<()> {
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir_all(dir.join(folder))?;
    }
    Ok(())
}

fn write_synced(path: &Path, raw: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(raw)?;
    file.sync_all()
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[PathBuf]) -> Vec<&str> {
        paths.iter().map(|p| name_of(p)).collect()
    }

    #[tokio::test]
    async fn a_delivered_mail_is_listed_and_read_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        let drop = dir.path().join("deep/drop");
        let raw = b"Subject: \xb4\xfa\xb8\xd5\r\n\r\n.\r\n\0\n";
        let path = deliver(&drop, raw).await.unwrap();
        let second = deliver(&drop, b"2").await.unwrap();
        assert_eq!(list_new(&drop).await.unwrap(), [path.clone(), second]);
        assert_eq!(read(&path).await.unwrap(), raw);
        assert!(files(&drop.join("tmp")).unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_same_name_twice_leaves_one_file_even_once_it_was_seen() {
        let dir = tempfile::tempdir().unwrap();
        let first = deliver_named(dir.path(), b"one", "0193.delivery-7").await.unwrap();
        assert_eq!(deliver_named(dir.path(), b"two", "0193.delivery-7").await.unwrap(), first);
        assert_eq!(read(&first).await.unwrap(), b"one");
        settle(&first, &AfterTaking::Seen).await.unwrap();
        let again = deliver_named(dir.path(), b"two", "0193.delivery-7").await.unwrap();
        assert_eq!(name_of(&again), "0193.delivery-7:2,S");
        assert!(list_new(dir.path()).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_name_cannot_leave_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        for bad in ["", ".hidden", "../up", "a/b", "a:2,S", "a b", "信", &"x".repeat(201)] {
            let refused = deliver_named(dir.path(), b"x", bad).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{bad}");
        }
    }

    #[tokio::test]
    async fn unseen_mails_of_cur_are_new_too_and_hidden_files_are_not() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path()).unwrap();
        for file in ["new/3", "new/.hidden", "cur/1:2,F", "cur/2:2,FS", "cur/4:2,", "cur/5", "tmp/6"] {
            fs::write(dir.path().join(file), "x").unwrap();
        }
        fs::create_dir(dir.path().join("new/7")).unwrap();
        assert_eq!(names(&list_new(dir.path()).await.unwrap()), ["1:2,F", "3", "4:2,", "5"]);
        assert_eq!(list_new(&dir.path().join("elsewhere")).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn settling_marks_moves_or_deletes() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["1", "2", "3", "4"] {
            deliver_named(dir.path(), name.as_bytes(), name).await.unwrap();
        }
        let new = |name: &str| dir.path().join("new").join(name);
        fs::rename(new("4"), dir.path().join("cur/4:2,F")).unwrap();
        settle(&new("1"), &AfterTaking::Seen).await.unwrap();
        settle(&new("2"), &AfterTaking::Move("客戶/Done & gone".into())).await.unwrap();
        settle(&new("3"), &AfterTaking::Delete).await.unwrap();
        // Its path is from a listing that another program has outdated.
        settle(&new("4"), &AfterTaking::Seen).await.unwrap();
        for gone in ["1", "3"] {
            settle(&new(gone), &AfterTaking::Delete).await.unwrap();
            settle(&new(gone), &AfterTaking::Delete).await.unwrap();
        }
        let mut left = files(&dir.path().join("cur")).unwrap();
        left.sort();
        assert_eq!(names(&left), ["4:2,FS"]);
        assert_eq!(fs::read(dir.path().join(".&W6JiNg-.Done &- gone/cur/2:2,")).unwrap(), b"2");
        assert!(list_new(dir.path()).await.unwrap().is_empty());
        settle(&new("4"), &AfterTaking::Move("..".into())).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_mail_over_the_limit_is_not_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        fs::File::create(&path).unwrap().set_len(MAIL_BYTES_MAX + 1).unwrap();
        assert_eq!(read(&path).await.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
