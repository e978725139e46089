//! The opening scene, so that the page's first visitor finds something going on.

use std::time::Duration;

use tokio::time::sleep;

use super::{DELIVERY_NOTE, DemoState};
use crate::domain::{LineMessageId, Role};
use crate::simulator::{Say, Upload};

/// How long people take between two things they say in the opening scene.
const SCENE_PAUSE: Duration = Duration::from_secs(3);

/// How the opening scene went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Webhooks that were answered with 200.
    pub taken: usize,
    /// Webhooks that were not.
    pub refused: usize,
}

/// Plays a small scene in the group: the bot comes in, two clients ask about two matters, one sends a picture of a delivery note,
/// the other a sticker. Takes about a quarter of a minute; the webhook must be set and its server must listen.
pub async fn scene(state: &DemoState) -> Scene {
    scene_at(state, SCENE_PAUSE).await
}

pub(super) async fn scene_at(state: &DemoState, pause: Duration) -> Scene {
    let DemoState { platform, group, .. } = state;
    let mut clients = state.people.iter().filter(|p| p.role == Role::Client).filter_map(|p| p.line_user.as_ref());
    let first = clients.next();
    let second = clients.next().or(first);
    let mut scene = Scene { taken: 0, refused: 0 };
    let mut asked: Option<LineMessageId> = None;
    for step in 0_u8..6 {
        let event = match step {
            0 => platform.join(group),
            1 => platform.say(group, first, "早安～想請問十月份的發票開好了嗎？會計月底要結帳，可以的話請先寄電子檔給我", Say::default()),
            2 => platform.say(group, second, "另外上週訂的 20 箱濾紙，大概什麼時候會到貨？店裡只剩兩箱了", Say::default()),
            3 => platform.image(group, first, Upload::new("image/png", DELIVERY_NOTE)),
            4 => {
                let how = Say { quote: asked.clone(), ..Say::default() };
                platform.say(group, first, "這是上次的出貨單，發票金額應該是 NT$48,600", how)
            }
            _ => platform.sticker(group, second, &["thanks"], None),
        };
        if step == 1 {
            asked.clone_from(&event.message);
        }
        if platform.deliver(&[event]).await.is_ok() {
            scene.taken += 1;
        } else {
            scene.refused += 1;
        }
        sleep(pause).await;
    }
    scene
}
