//! Profiles, groups, quota, settings.

use super::*;

#[tokio::test]
async fn people_are_found_where_line_finds_them() {
    let w = world().await;
    let g = w.group.as_str();
    let stranger = w.platform.person("路人");
    assert_eq!(w.get(&format!("/v2/bot/group/{g}/summary")).await.json, json!({"groupId": g, "groupName": "幸福社區"}));
    assert_eq!(w.get(&format!("/v2/bot/group/{g}/members/count")).await.json, json!({"count": 3}));
    assert_eq!(w.get(&format!("/v2/bot/group/{g}/member/{}", w.amy)).await.json["displayName"], "陳小姐");
    assert_eq!(w.get(&format!("/v2/bot/group/{g}/member/{stranger}")).await.status, 404);
    assert_eq!(w.get(&format!("/v2/bot/room/{g}/members/count")).await.status, 404);
    assert_eq!(w.get(&format!("/v2/bot/profile/{}", w.amy)).await.status, 404);
    w.platform.say(&LineChatId::from(w.amy.as_str()), Some(&w.amy), "您好", Say::default());
    assert_eq!(w.get(&format!("/v2/bot/profile/{}", w.amy)).await.json["language"], "zh-Hant");
    assert_eq!(w.get("/v2/bot/info").await.json["userId"], w.platform.bot().as_str());
    assert!(w.violations().is_empty());
}

/// Reference, "Get profile": friends and people who wrote; not who blocks the account, withheld consent or left LINE. A friend's has
/// language and status message.
#[tokio::test]
async fn a_profile_is_open_to_whom_line_opens_it() {
    let w = world().await;
    let path = format!("/v2/bot/profile/{}", w.amy);
    assert_eq!(w.get(&path).await.json, json!({"message": "Not found"}), "in a group alone");
    w.platform.follow(&w.amy);
    w.platform.set_status_message(&w.amy, "出差中");
    let friend = w.get(&path).await.json;
    assert_eq!((&friend["language"], &friend["statusMessage"], friend.get("pictureUrl")), (&json!("zh-Hant"), &json!("出差中"), None));
    w.platform.unfollow(&w.amy);
    assert_eq!(w.get(&path).await.status, 404);
    let member = format!("/v2/bot/group/{}/member/{}", w.group, w.amy);
    let as_member = w.get(&member).await;
    assert_eq!((as_member.status, as_member.json.get("language")), (200, None), "blocked, and a member all the same");
    w.platform.follow(&w.amy);
    w.platform.withdraw_consent(&w.amy);
    assert_eq!(w.get(&path).await.status, 404);
    w.platform.delete_account(&w.amy);
    assert_eq!(w.get(&member).await.status, 404);
    for (path, name) in
        [("/v2/bot/profile/me", "userId"), ("/v2/bot/group/G1/summary", "groupId"), ("/v2/bot/room/x/members/count", "roomId")]
    {
        let refused = w.get(path).await;
        assert_eq!((refused.status, refused.json["message"].as_str().unwrap().contains(name)), (400, true), "{path}");
    }
}

/// Reference, "Get group chat member user IDs": verified accounts alone, 100 a page.
#[tokio::test]
async fn only_a_verified_account_is_told_who_is_in_a_group() {
    let w = world().await;
    let refused = w.get(&format!("/v2/bot/group/{}/members/ids", w.group)).await;
    assert_eq!((refused.status, refused.json["message"].as_str()), (403, Some("Access to this API is not available for your account")));
    let verified = world_with(Settings { verified: true, ..Settings::default() }).await;
    let people: Vec<LineUserId> = (0..130).map(|n| verified.platform.person(&n.to_string())).collect();
    verified.platform.withdraw_consent(&people[7]);
    let group = verified.platform.group("大群", &people);
    let path = format!("/v2/bot/group/{group}/members/ids");
    let first = verified.get(&path).await.json;
    assert_eq!(first["memberIds"].as_array().unwrap().len(), 100);
    let second = verified.get(&format!("{path}?start={}", first["next"].as_str().unwrap())).await.json;
    assert_eq!((second["memberIds"].as_array().unwrap().len(), second.get("next")), (29, None));
    assert_eq!(verified.get(&format!("{path}?start=x")).await.json["message"], "Invalid start param");
    assert!(verified.violations().is_empty());
}

/// Reference, "Get group chat summary", "Get group chat member profile": `pictureUrl` where there is a picture; anybody may ask for it.
#[tokio::test]
async fn people_and_groups_have_pictures_at_addresses_that_need_no_token() {
    let w = world().await;
    w.platform.set_picture(&w.amy, "image/png", &b"face"[..]);
    w.platform.set_group_picture(&w.group, "image/jpeg", &b"house"[..]);
    let member = w.get(&format!("/v2/bot/group/{}/member/{}", w.group, w.amy)).await.json;
    let summary = w.get(&format!("/v2/bot/group/{}/summary", w.group)).await.json;
    for (told, kind, bytes) in [(&member, "image/png", "face"), (&summary, "image/jpeg", "house")] {
        let picture = w.http.get(told["pictureUrl"].as_str().unwrap()).send().await.unwrap();
        assert_eq!((picture.status().as_u16(), picture.headers()["content-type"].to_str().unwrap()), (200, kind));
        assert_eq!(picture.text().await.unwrap(), bytes);
    }
    let old = member["pictureUrl"].clone();
    w.platform.set_picture(&w.amy, "image/png", &b"new face"[..]);
    assert_ne!(w.get(&format!("/v2/bot/group/{}/member/{}", w.group, w.amy)).await.json["pictureUrl"], old);
    assert_eq!(w.http.get(format!("{}/line-pictures/none", w.url)).send().await.unwrap().status(), 404);
    assert!(w.violations().is_empty());
}
