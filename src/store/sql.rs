//! The thin face over `sqlx::Any`: arguments, rows by position, four ways to run a statement.

use jiff::Timestamp;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};

use crate::domain::{
    AnnouncementId, AttachmentId, ChatId, DeliveryId, DiscussionId, InboundId, LineChatId, LineMessageId, LineUserId, MessageId, NoticeId,
    NotifyTokenId, PersonId, PostId, ProjectId,
};

/// What the database says.
pub type Result<T> = std::result::Result<T, sqlx::Error>;

/// A statement's argument. `Any` knows integers, text and bytes; truth values and times are integers.
#[derive(Clone, Debug)]
pub enum Value {
    Int(Option<i64>),
    Text(Option<String>),
}

macro_rules! value_from {
    ($($from:ty => |$v:ident| $to:expr),+ $(,)?) => {$(
        impl From<$from> for Value {
            fn from($v: $from) -> Self {
                $to
            }
        }
    )+};
}

value_from! {
    i64 => |v| Self::Int(Some(v)),
    u64 => |v| Self::Int(Some(i64::try_from(v).unwrap_or(i64::MAX))),
    u32 => |v| Self::Int(Some(i64::from(v))),
    Option<i64> => |v| Self::Int(v),
    bool => |v| Self::Int(Some(i64::from(v))),
    // PostgreSQL refuses NUL in text.
    &str => |v| Self::Text(Some(if v.contains('\0') { v.replace('\0', "") } else { v.to_owned() })),
    String => |v| Self::Text(Some(if v.contains('\0') { v.replace('\0', "") } else { v })),
    &String => |v| Self::from(v.as_str()),
    Option<String> => |v| v.map_or(Self::Text(None), Self::from),
    Option<&str> => |v| v.map_or(Self::Text(None), Self::from),
    Timestamp => |v| Self::Int(Some(v.as_microsecond())),
    Option<Timestamp> => |v| Self::Int(v.map(Timestamp::as_microsecond)),
    &LineUserId => |v| Self::from(v.as_str()),
    &LineChatId => |v| Self::from(v.as_str()),
    &LineMessageId => |v| Self::from(v.as_str()),
    &MessageId => |v| Self::from(v.as_str()),
}

macro_rules! value_from_ids {
    ($($id:ident),+) => {$(
        impl From<$id> for Value {
            fn from(v: $id) -> Self {
                Self::Int(Some(v.0))
            }
        }
        impl From<Option<$id>> for Value {
            fn from(v: Option<$id>) -> Self {
                Self::Int(v.map(|id| id.0))
            }
        }
        impl Column for $id {
            fn read(row: &AnyRow, at: usize) -> Result<Self> {
                row.try_get(at).map($id)
            }
        }
        impl Column for Option<$id> {
            fn read(row: &AnyRow, at: usize) -> Result<Self> {
                row.try_get::<Option<i64>, _>(at).map(|v| v.map($id))
            }
        }
    )+};
}

/// `args![a, b]`: the arguments `$1`, `$2` of a statement.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::sql::Value::from($value)),*] };
}
pub(crate) use args;

/// A type that stands in one column.
pub trait Column: Sized {
    /// Reads it.
    fn read(row: &AnyRow, at: usize) -> Result<Self>;
}

macro_rules! plain_columns {
    ($($t:ty),+) => {$(
        impl Column for $t {
            fn read(row: &AnyRow, at: usize) -> Result<Self> {
                row.try_get(at)
            }
        }
    )+};
}

plain_columns!(i64, String, Option<i64>, Option<String>);
value_from_ids!(
    AnnouncementId,
    AttachmentId,
    ChatId,
    DeliveryId,
    DiscussionId,
    InboundId,
    NoticeId,
    NotifyTokenId,
    PersonId,
    PostId,
    ProjectId
);

impl Column for bool {
    fn read(row: &AnyRow, at: usize) -> Result<Self> {
        row.try_get::<i64, _>(at).map(|v| v != 0)
    }
}

impl Column for Timestamp {
    fn read(row: &AnyRow, at: usize) -> Result<Self> {
        timestamp(row.try_get(at)?)
    }
}

impl Column for Option<Timestamp> {
    fn read(row: &AnyRow, at: usize) -> Result<Self> {
        row.try_get::<Option<i64>, _>(at)?.map(timestamp).transpose()
    }
}

fn timestamp(us: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(us).map_err(|e| sqlx::Error::Decode(Box::new(e)))
}

/// A word of ours in a text column (see `domain::words`).
pub fn word<T>(found: Option<T>, written: &str) -> Result<T> {
    found.ok_or_else(|| sqlx::Error::Decode(format!("the database holds the unknown word {written:?}").into()))
}

/// Reads a row's columns from left to right.
pub struct Columns<'r> {
    row: &'r AnyRow,
    at: usize,
}

impl Columns<'_> {
    /// The next column.
    pub fn get<T: Column>(&mut self) -> Result<T> {
        self.at += 1;
        T::read(self.row, self.at - 1)
    }

    /// The next column, a word that `find` knows.
    pub fn word<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> Result<T> {
        let written: String = self.get()?;
        word(find(&written), &written)
    }

    /// The next column, a word that `find` knows, or nothing.
    pub fn maybe_word<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
        let written: Option<String> = self.get()?;
        written.map(|written| word(find(&written), &written)).transpose()
    }
}

/// A type that a row becomes.
pub trait FromRow: Sized {
    /// Reads its columns in the order in which the type's `COLUMNS` names them.
    fn from_row(columns: &mut Columns<'_>) -> Result<Self>;
}

/// `row!(Held { id, name, role: (Role), decision: (?Decision) })`: a row becomes this, its columns in the order of the fields; a field with a
/// type is a word of ours, and one with `?` maybe one.
macro_rules! row {
    ($of:ident { $($field:ident $(: $word:tt)?),+ $(,)? }) => {
        impl $crate::store::sql::FromRow for $of {
            fn from_row(columns: &mut $crate::store::sql::Columns<'_>) -> $crate::store::sql::Result<Self> {
                Ok(Self { $($field: $crate::store::sql::row!(@ columns $($word)?)),+ })
            }
        }
    };
    (@ $columns:ident) => { $columns.get()? };
    (@ $columns:ident (? $word:ty)) => { $columns.maybe_word(<$word>::find)? };
    (@ $columns:ident ($word:ty)) => { $columns.word(<$word>::find)? };
}
pub(crate) use row;

impl<T: Column> FromRow for T {
    fn from_row(columns: &mut Columns<'_>) -> Result<Self> {
        columns.get()
    }
}

impl<A: Column, B: Column> FromRow for (A, B) {
    fn from_row(columns: &mut Columns<'_>) -> Result<Self> {
        Ok((columns.get()?, columns.get()?))
    }
}

impl<A: Column, B: Column, C: Column> FromRow for (A, B, C) {
    fn from_row(columns: &mut Columns<'_>) -> Result<Self> {
        Ok((columns.get()?, columns.get()?, columns.get()?))
    }
}

fn bound(sql: String, args: Vec<Value>) -> Query<'static, Any, AnyArguments> {
    // Statements are put together from constants of this module and `$n` places; what people wrote travels as arguments.
    args.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, arg| match arg {
        Value::Int(v) => query.bind(v),
        Value::Text(v) => query.bind(v),
    })
}

fn read<T: FromRow>(row: &AnyRow) -> Result<T> {
    T::from_row(&mut Columns { row, at: 0 })
}

/// Every row.
pub async fn all<T: FromRow>(c: &mut AnyConnection, sql: impl Into<String>, args: Vec<Value>) -> Result<Vec<T>> {
    bound(sql.into(), args).fetch_all(c).await?.iter().map(read).collect()
}

/// The one row there may be.
pub async fn find<T: FromRow>(c: &mut AnyConnection, sql: impl Into<String>, args: Vec<Value>) -> Result<Option<T>> {
    bound(sql.into(), args).fetch_optional(c).await?.as_ref().map(read).transpose()
}

/// The one row there is; `sqlx::Error::RowNotFound` otherwise.
pub async fn one<T: FromRow>(c: &mut AnyConnection, sql: impl Into<String>, args: Vec<Value>) -> Result<T> {
    read(&bound(sql.into(), args).fetch_one(c).await?)
}

/// Runs a statement; how many rows it touched.
pub async fn run(c: &mut AnyConnection, sql: impl Into<String>, args: Vec<Value>) -> Result<u64> {
    bound(sql.into(), args).execute(c).await.map(|done| done.rows_affected())
}

/// `$3,$4,$5`: places for `count` arguments, from number `first` on.
pub fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(",")
}
